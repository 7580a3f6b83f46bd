import { useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { type Live, merge, type StoreOptions, type StoreState, selected, streamId } from '../client/store/live.ts'
import type { AnySchemas, StreamOptions, StreamState, StreamUrl } from '../client/store/options.ts'
import { createStore, type Store } from '../client/store/store.ts'
import { Defaults } from './stream-defaults.ts'

/** The hook for one map of events, so that nothing else needs a type: `export const useEvents: UseEvents<Events> = useEventStream`. */
export type UseEvents<Events extends object> = <
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options: StreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined },
) => StreamState<Events, Type, Selected>

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
// Only where all types are inferred: a caller that writes types can write no `_Inferred`, and means the next ones.
export function useEventStream<
  _Inferred extends never,
  Value,
  Type extends string = string,
  Data = Value | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options: StreamOptions<Record<string, Value>, Type, Data, Selected> & {
    parse: (data: string, type: string) => Value
    schemas?: undefined
  },
): StreamState<Record<string, Value>, Type, Selected>
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
// Where it is not known whether there is a `parse`, or schemas.
export function useEventStream<
  _Inferred extends never,
  Each extends Schemas,
  Type extends string = string,
  Data = unknown,
  Selected = Data,
>(
  url: StreamUrl,
  options: StreamOptions<Record<string, unknown>, Type, Data, Selected> & AnySchemas<Each>,
): StreamState<Record<string, unknown>, Type, Selected>
export function useEventStream(url: StreamUrl, options?: StoreOptions): StoreState {
  const live: Live = { ...merge(useContext(Defaults) as StoreOptions, options), url }
  const id = streamId(live)
  const make = (previous?: Store) => ({ id, store: createStore(live, previous) })
  const [kept, keep] = useState(() => make())
  let current = kept
  // With another id it is another stream; whatever else is new of the options, the store takes it over.
  if (kept.id !== id) {
    current = make(live.keepData ? kept.store : undefined)
    keep(current)
  }
  const { store } = current
  useEffect(() => store.update(live))
  return selected(useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot), live)
}
