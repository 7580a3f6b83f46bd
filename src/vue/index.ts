export type { FoldOptions, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/stream-options.ts'
export { type StreamRefs, useEventStream } from './use-event-stream.ts'
