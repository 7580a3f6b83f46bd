import { type Readable, readable } from 'svelte/store'
import type { ConnectUrl } from '../client/options.ts'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import type { StoreOptions, StoreState } from '../client/store/live.ts'
import type { AnySchemas, StreamOptions, StreamState } from '../client/store/options.ts'
import { createStore, type Store } from '../client/store/store.ts'

/** What Svelte has ways of its own for: a stream is shared by exporting it, rests without subscribers, and is derived from. */
interface Own {
  key?: undefined
  enabled?: undefined
  select?: undefined
  keepData?: undefined
}

/** The options of a stream in Svelte. */
export type EventStreamOptions<Events extends object, Type extends keyof Events & string, Data> = StreamOptions<
  Events,
  Type,
  Data,
  Data
> &
  Own

/** `eventStream` for one map of events, so that nothing else needs a type: `export const stream: EventStreamOf<Events> = eventStream`. */
export type EventStreamOf<Events extends object> = <
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
>(
  url: ConnectUrl,
  options: EventStreamOptions<Events, Type, Data> & { parse: Parse; schemas?: undefined },
) => Readable<StreamState<Events, Type, Data>>

/** A store for a stream of events: connected while it is subscribed to, but not on a server. */
export function eventStream<
  const Each extends Schemas,
  Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
  Data = SchemaEvents<Each>[Type] | undefined,
>(
  url: ConnectUrl,
  options: EventStreamOptions<SchemaEvents<Each>, Type, Data> & { schemas: Each },
): Readable<StreamState<SchemaEvents<Each>, Type, Data>>
// Only where all types are inferred: a caller that writes types can write no `_Inferred`, and means the next ones.
export function eventStream<_Inferred extends never, Value, Type extends string = string, Data = Value | undefined>(
  url: ConnectUrl,
  options: EventStreamOptions<Record<string, Value>, Type, Data> & {
    parse: (data: string, type: string) => Value
    schemas?: undefined
  },
): Readable<StreamState<Record<string, Value>, Type, Data>>
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
// Where it is not known whether there is a `parse`, or schemas.
export function eventStream<
  _Inferred extends never,
  Each extends Schemas,
  Type extends string = string,
  Data = unknown,
>(
  url: ConnectUrl,
  options: EventStreamOptions<Record<string, unknown>, Type, Data> & AnySchemas<Each>,
): Readable<StreamState<Record<string, unknown>, Type, Data>>
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
  createStore({ ...(options as StoreOptions), url })
