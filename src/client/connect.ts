import type { ServerSentEvent } from '../protocol/event.ts'
import { LiveConnection } from './connection.ts'
import type { CloseReason, ConnectOptions, ConnectUrl, Snapshot, State } from './options.ts'
import type { Parse, SchemaEvents, Schemas } from './schema.ts'

/** One event of the map, or any of several. */
export type EventOf<Events, Type extends keyof Events & string = keyof Events & string> = {
  [Each in Type]: ServerSentEvent<Each, Events[Each]>
}[Type]

/** The handle of a connection: many attempts, one stream of events. */
export interface Connection<Events extends object = Record<string, string>> extends AsyncIterable<EventOf<Events>> {
  /** Calls the listener for every event of the type. Returns its undo. */
  on<Type extends keyof Events & string>(type: Type, listener: (event: EventOf<Events, Type>) => unknown): () => void
  /** Calls the listener for every event. Returns its undo. */
  on(listener: (event: EventOf<Events>) => unknown): () => void
  /** Calls the listener for the next event of the type only. */
  once<Type extends keyof Events & string>(type: Type, listener: (event: EventOf<Events, Type>) => unknown): () => void
  /** Calls the listener for the next event only. */
  once(listener: (event: EventOf<Events>) => unknown): () => void
  /** Iterates over the events of some types, or of all; leaving that loop leaves the connection open. */
  events<Type extends keyof Events & string>(...types: Type[]): AsyncIterableIterator<EventOf<Events, Type>>
  /** Iterates over every event; leaving the loop closes the connection. */
  [Symbol.asyncIterator](): AsyncIterableIterator<EventOf<Events>>
  readonly state: State
  /** What the connection is now. Its `lastEventId` moves with the events, the rest with the states. */
  readonly snapshot: Snapshot
  /** Calls the listener with each new state's snapshot. Returns its undo. */
  subscribe(listener: (snapshot: Snapshot) => unknown): () => void
  /** What to resume after. */
  readonly lastEventId: string
  /** Resolves when the stream is open for the first time; rejects if it is closed before. */
  readonly opened: Promise<void>
  /** Resolves when the connection is over, with the reason; never rejects. */
  readonly closed: Promise<CloseReason>
  /** Disconnects and stays away until `resume()`; keeps the last event id. */
  readonly pause: () => void
  /** Connects again after `pause()`. */
  readonly resume: () => void
  /** Drops what there is and makes a new attempt at once. */
  readonly reconnect: () => void
  /** Ends the connection for good; no event comes after it. Any number of times. */
  readonly close: () => void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a connection that reconnects by itself and resumes after the last event. */
export function connect<const Each extends Schemas>(
  url: ConnectUrl,
  options: ConnectOptions & { schemas: Each },
): Connection<SchemaEvents<Each>>
export function connect<Events extends object = Record<string, unknown>>(
  url: ConnectUrl,
  options: ConnectOptions & { parse: Parse; schemas?: undefined },
): Connection<Events>
export function connect<Events extends { [Type in keyof Events]: string } = Record<string, string>>(
  url: ConnectUrl,
  options?: ConnectOptions & { parse?: undefined; schemas?: undefined },
): Connection<Events>
export function connect(url: ConnectUrl, options: ConnectOptions = {}): Connection<Record<string, unknown>> {
  return new LiveConnection(url, options)
}
