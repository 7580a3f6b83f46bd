export type { FoldOptions, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/store/options.ts'
export { type EventStreamOf, type EventStreamOptions, eventStream } from './event-stream.ts'
