export type {
  DefaultOptions,
  FoldOptions,
  StreamOptions,
  StreamState,
  StreamUrl,
  ViewOptions,
} from '../client/store/options.ts'
export { StreamDefaults, type StreamDefaultsProps } from './stream-defaults.ts'
export { type UseEvents, useEventStream } from './use-event-stream.ts'
