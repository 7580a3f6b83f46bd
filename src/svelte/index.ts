export type { FoldOptions, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/stream-options.ts'
export { type EventStreamOptions, eventStream } from './event-stream.ts'
