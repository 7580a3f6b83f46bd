export type { Fold, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/stream-options.ts'
export { type EventStreamOptions, eventStream, type Readable } from './event-stream.ts'
