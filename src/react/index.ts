'use client'

export type { FoldOptions, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/stream-options.ts'
export { useEventStream } from './use-event-stream.ts'
