'use client'

export type { Fold, StreamOptions, StreamState, StreamUrl, ViewOptions } from '../client/stream-options.ts'
export { useEventStream } from './use-event-stream.ts'
