import { type Readable, readable } from 'svelte/store'
import type { ConnectUrl } from '../client/options.ts'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { alone, createStore, type Store, type StoreOptions, type StoreState } from '../client/store.ts'
import type { StreamOptions, StreamState } from '../client/stream-options.ts'

/** What Svelte has ways of its own for: a stream is shared by exporting it, rests without subscribers, and is derived from. */
interface Own {
  key?: undefined
  enabled?: undefined
  select?: undefined
}

/** The options of a stream in Svelte. */
export type EventStreamOptions<Events extends object, Type extends keyof Events & string, Data> = StreamOptions<
  Events,
  Type,
  Data,
  Data
> &
  Own

/** A store for a stream of events: connected while it is subscribed to, but not on a server. */
export function eventStream<
  const Each extends Schemas,
  Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
  Data = SchemaEvents<Each>[Type] | undefined,
>(
  url: ConnectUrl,
  options: EventStreamOptions<SchemaEvents<Each>, Type, Data> & { schemas: Each },
): Readable<StreamState<SchemaEvents<Each>, Type, Data>>
export function eventStream<
  Events extends object = Record<string, unknown>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
>(
  url: ConnectUrl,
  options: EventStreamOptions<Events, Type, Data> & { parse: Parse; schemas?: undefined },
): Readable<StreamState<Events, Type, Data>>
export function eventStream<
  Events extends { [Type in keyof Events]: string } = Record<string, string>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
>(
  url: ConnectUrl,
  options?: EventStreamOptions<Events, Type, Data> & { parse?: undefined; schemas?: undefined },
): Readable<StreamState<Events, Type, Data>>
export function eventStream(url: ConnectUrl, options?: StoreOptions): Readable<StoreState> {
  const { getSnapshot, subscribe } = createOwnStore(url, options)
  return readable(getSnapshot(), (set) => {
    const tell = () => set(getSnapshot())
    tell()
    return globalThis.document && subscribe(tell)
  })
}

/** A store that shares its connection with nobody. */
export const createOwnStore = (url: ConnectUrl, options?: StoreOptions): Store =>
  createStore({ ...(options as StoreOptions), url }, alone)
