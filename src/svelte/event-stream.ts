import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { createStore, open, type Store, type StoreOptions, type StoreState, selected } from '../client/store.ts'
import type { StreamOptions, StreamState, StreamUrl } from '../client/stream-options.ts'

/** A store by Svelte's contract. */
export interface Readable<Value> {
  /** Calls `run` with the value and with each new one. Returns its undo. */
  subscribe(run: (value: Value) => void): () => void
}

/** In Svelte a stream is shared by exporting it, and rests without subscribers. */
interface Alone {
  key?: undefined
  enabled?: undefined
}

/** The options of a stream in Svelte. */
export type EventStreamOptions<
  Events extends object,
  Type extends keyof Events & string,
  Data,
  Selected,
> = StreamOptions<Events, Type, Data, Selected> & Alone

/** A store for a stream of events: connected while it is subscribed to, but not on a server. */
export function eventStream<
  const Each extends Schemas,
  Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
  Data = SchemaEvents<Each>[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options: EventStreamOptions<SchemaEvents<Each>, Type, Data, Selected> & { schemas: Each },
): Readable<StreamState<SchemaEvents<Each>, Type, Selected>>
export function eventStream<
  Events extends object = Record<string, unknown>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options: EventStreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined },
): Readable<StreamState<Events, Type, Selected>>
export function eventStream<
  Events extends { [Type in keyof Events]: string } = Record<string, string>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: StreamUrl,
  options?: EventStreamOptions<Events, Type, Data, Selected> & { parse?: undefined; schemas?: undefined },
): Readable<StreamState<Events, Type, Selected>>
export function eventStream(url: StreamUrl, options?: StoreOptions): Readable<StoreState> {
  const { getSnapshot, subscribe, live } = createOwnStore(url, options)
  return {
    subscribe(run) {
      const tell = () => run(selected(getSnapshot(), live))
      tell()
      return globalThis.document ? subscribe(tell) : () => {}
    },
  }
}

/** A store that shares its connection with nobody. */
export const createOwnStore = (url: StreamUrl, options?: StoreOptions): Store =>
  createStore({ ...(options as StoreOptions), url }, ({ live }) => {
    const connection = open(live)
    return [connection, () => connection.close()]
  })
