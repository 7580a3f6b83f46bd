import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { createSharedStore, streamId } from '../client/shared-store.ts'
import { type Live, type StoreOptions, type StoreState, selected } from '../client/store.ts'
import type { StreamOptions, StreamState, StreamUrl } from '../client/stream-options.ts'

/** Shows a stream of events: connects while the component is there, and renders at most once per frame. */
export function useEventStream<
  const Each extends Schemas,
  Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
  Data = SchemaEvents<Each>[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options: StreamOptions<SchemaEvents<Each>, Type, Data, Selected> & { schemas: Each },
): StreamState<SchemaEvents<Each>, Type, Selected>
export function useEventStream<
  Events extends object = Record<string, unknown>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options: StreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined },
): StreamState<Events, Type, Selected>
export function useEventStream<
  Events extends { [Type in keyof Events]: string } = Record<string, string>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options?: StreamOptions<Events, Type, Data, Selected> & { parse?: undefined; schemas?: undefined },
): StreamState<Events, Type, Selected>
export function useEventStream(url: StreamUrl, options?: StoreOptions): StoreState {
  const live: Live = { ...(options as StoreOptions), url }
  // With another id it is another stream; whatever else is new of the options, the store takes it over.
  const store = useMemo(() => createSharedStore(live), [streamId(live)])
  useEffect(() => store.update(live))
  return selected(useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot), live)
}
