import type { EventOf } from '../connect.ts'
import type { ConnectOptions, ConnectUrl, Snapshot } from '../options.ts'
import type { Schemas } from '../schema.ts'

/** Where the stream is, or nothing for none. */
export type StreamUrl = ConnectUrl | null | undefined

/** How all events become one datum. */
export interface FoldOptions<Events extends object, Type extends keyof Events & string, Data> {
  /** Makes the next `data` of the last one and an event; called for every event. Default: the data of the last event. */
  reduce: (data: Data, event: EventOf<Events, Type>) => Data
  /** What `reduce` begins with. Default: none, it goes with `reduce`. */
  initial: Data
}

/**
 * The options of `connect`, and those of what is shown. Only a change of `method`, `body`, `event`, `key` or `enabled`
 * reconnects; each other one counts from the next time that it is needed, and `pauseWhenHidden` from the next connection.
 */
export interface ViewOptions<Events extends object, Type extends keyof Events & string, Data, Selected>
  extends ConnectOptions {
  /** The type of event to listen to, or several. Default: all. */
  event?: Type | readonly Type[] | undefined
  /** Makes of the data what is shown; called at every render, and without an event before the first. Default: the data as it is. */
  select?: ((data: Data, event: EventOf<Events, Type> | undefined) => Selected) | undefined
  /** How many events are kept in `recent`, the newest ones. Default: 100. */
  max?: number | undefined
  /** Called once for each event, as soon as it is there. What comes while the component is away for a moment waits for its return. Default: none. */
  onEvent?: ((event: EventOf<Events, Type>) => unknown) | undefined
  /** All that have the same key, URL, method and body share one connection. Default: none, it is not shared. */
  key?: string | undefined
  /** False closes the connection and keeps what came; true opens it again, after the last event id where there is one. Default: true. */
  enabled?: boolean | undefined
  /** How long the connection outlives its component, in milliseconds: who comes back in time misses nothing. It ends early when 10000 events wait. Default: 50. */
  linger?: number | undefined
  /** How a server is asked to stop the run at an address. Default: DELETE there, with the `headers` of now. */
  stop?: ((location: string) => unknown) | undefined
  /** Whether another URL, method, body, key or type shows what came of the last stream until its own first event. Default: false. */
  keepData?: boolean | undefined
}

/** All that a hook takes. */
export type StreamOptions<Events extends object, Type extends keyof Events & string, Data, Selected> = ViewOptions<
  Events,
  Type,
  Data,
  Selected
> &
  (FoldOptions<Events, Type, Data> | { reduce?: undefined; initial?: undefined })

/** Schemas of which nobody knows the types: those that are known belong to their own map. */
export type AnySchemas<Each extends Schemas> = { schemas?: Each | undefined } & (string extends keyof Each
  ? unknown
  : never)

/** Options that many streams have in common. What a hook is given itself counts more. */
export interface DefaultOptions
  extends Omit<ConnectOptions, 'parse' | 'schemas'>,
    Pick<ViewOptions<Record<string, unknown>, string, unknown, unknown>, 'enabled' | 'keepData' | 'linger' | 'max'> {}

/** What came of a stream so far, and what can be done with it. Never changed, only replaced, at most once per animation frame. */
export interface StreamState<Events extends object, Type extends keyof Events & string, Data> extends Snapshot {
  /** The data of the last event, or what `reduce` made of all, or what `select` makes of that. */
  readonly data: Data
  /** The last event. */
  readonly event: EventOf<Events, Type> | undefined
  /** The newest events, at most `max`. */
  readonly recent: readonly EventOf<Events, Type>[]
  /** Makes a new attempt at once. After the end it opens a new connection, after the last event id where there is one. */
  readonly reconnect: () => void
  /** Closes the connection, for all who share it, until `reconnect()`. The run that it reads goes on. */
  readonly close: () => void
  /** Has the server stop the run that is read, which ends it for all its readers; closes a stream that is none. Rejects where the server refuses. */
  readonly stop: () => Promise<void>
}
