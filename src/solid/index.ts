export type { FoldOptions, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/store/options.ts'
export { type CreateEvents, createEventStream, type MaybeAccessor } from './create-event-stream.ts'
