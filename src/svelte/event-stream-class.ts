import { createSubscriber } from 'svelte/reactivity'
import type { ConnectUrl } from '../client/options.ts'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import type { StoreOptions, StoreState } from '../client/store/live.ts'
import type { AnySchemas, StreamState } from '../client/store/options.ts'
import { createOwnStore, type EventStreamOptions } from './event-stream.ts'

/** What makes an `EventStream`. */
export interface EventStreamClass {
  new <
    const Each extends Schemas,
    Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
    Data = SchemaEvents<Each>[Type] | undefined,
  >(
    url: ConnectUrl,
    options: EventStreamOptions<SchemaEvents<Each>, Type, Data> & { schemas: Each },
  ): StreamState<SchemaEvents<Each>, Type, Data>
  // Only where all types are inferred: a caller that writes types can write no `_Inferred`, and means the next ones.
  new <_Inferred extends never, Value, Type extends string = string, Data = Value | undefined>(
    url: ConnectUrl,
    options: EventStreamOptions<Record<string, Value>, Type, Data> & {
      parse: (data: string, type: string) => Value
      schemas?: undefined
    },
  ): StreamState<Record<string, Value>, Type, Data>
  new <
    Events extends object = Record<string, unknown>,
    Type extends keyof Events & string = keyof Events & string,
    Data = Events[Type] | undefined,
  >(
    url: ConnectUrl,
    options: EventStreamOptions<Events, Type, Data> & { parse: Parse; schemas?: undefined },
  ): StreamState<Events, Type, Data>
  new <
    Events extends { [Type in keyof Events]: string } = Record<string, string>,
    Type extends keyof Events & string = keyof Events & string,
    Data = Events[Type] | undefined,
  >(
    url: ConnectUrl,
    options?: EventStreamOptions<Events, Type, Data> & { parse?: undefined; schemas?: undefined },
  ): StreamState<Events, Type, Data>
  // Where it is not known whether there is a `parse`, or schemas.
  new <_Inferred extends never, Each extends Schemas, Type extends string = string, Data = unknown>(
    url: ConnectUrl,
    options: EventStreamOptions<Record<string, unknown>, Type, Data> & AnySchemas<Each>,
  ): StreamState<Record<string, unknown>, Type, Data>
}

/** A stream of events for runes: connected while an effect or a template reads from it, but not on a server. */
export const EventStream = class implements StoreState {
  readonly #read: () => StoreState

  constructor(url: ConnectUrl, options?: StoreOptions) {
    const { getSnapshot, subscribe } = createOwnStore(url, options)
    const track = createSubscriber(subscribe)
    this.#read = () => {
      track()
      return getSnapshot()
    }
  }
  get data() {
    return this.#read().data
  }
  get event() {
    return this.#read().event
  }
  get recent() {
    return this.#read().recent
  }
  get state() {
    return this.#read().state
  }
  get attempt() {
    return this.#read().attempt
  }
  get delay() {
    return this.#read().delay
  }
  get error() {
    return this.#read().error
  }
  get lastEventId() {
    return this.#read().lastEventId
  }
  get reconnect() {
    return this.#read().reconnect
  }
  get outcome() {
    return this.#read().outcome
  }
  get stop() {
    return this.#read().stop
  }
  get close() {
    return this.#read().close
  }
} as EventStreamClass
