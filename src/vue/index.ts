export type {
  DefaultOptions,
  FoldOptions,
  StreamOptions,
  StreamState,
  StreamUrl,
  ViewOptions,
} from '../client/store/options.ts'
export { provideStreamDefaults } from './stream-defaults.ts'
export { type StreamRefs, type UseEvents, useEventStream } from './use-event-stream.ts'
