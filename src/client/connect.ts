import type { EventIterator, ServerSentEvent } from '../protocol/event.ts'
import type { Outcome } from '../protocol/outcome.ts'
import { checkConnect } from './check-options.ts'
import { Handle } from './handle.ts'
import type { CloseReason, ConnectOptions, ConnectUrl, ListenOptions, Snapshot, State } from './options.ts'
import type { SchemaEvents, Schemas } from './schema.ts'

/** One event of the map, or any of several. */
export type EventOf<Events, Type extends keyof Events & string = keyof Events & string> = {
  [Each in Type]: ServerSentEvent<Each, Events[Each]>
}[Type]

/** What iterates over nothing. */
interface Nothing {
  next(): Promise<IteratorReturnResult<undefined>>
  [Symbol.asyncIterator](): Nothing
}

/**
 * Iterates over events. Calls are given the first of these, inference the last; the one between makes a connection of many
 * events one of fewer, as its listeners do by themselves.
 */
type Iterate<Event> = (() => EventIterator<Event>) & (() => Nothing) & (() => AsyncIterableIterator<Event>)

/** The handle of a connection: many attempts, one stream of events. */
export interface Connection<Events extends object = Record<string, string>> {
  /** Calls the listener for every event of the type. Returns its undo. */
  on<Type extends keyof Events & string>(
    type: Type,
    listener: (event: EventOf<Events, Type>) => unknown,
    options?: ListenOptions,
  ): () => void
  /** Calls the listener for every event. Returns its undo. */
  on<Type extends keyof Events & string = keyof Events & string>(
    listener: (event: EventOf<Events, Type>) => unknown,
    options?: ListenOptions,
  ): () => void
  /** The next event of the type, or of any. Rejects if the connection ends or the signal aborts before; nobody has to handle that. */
  next<Type extends keyof Events & string>(
    type?: Type | undefined,
    options?: ListenOptions,
  ): Promise<EventOf<Events, Type>>
  /** Iterates over the events of some types, or of all, from this call on; leaving that loop leaves the connection open. */
  iterate<Type extends keyof Events & string>(...types: Type[]): EventIterator<EventOf<Events, Type>>
  /** Iterates over every event from this call on; leaving the loop closes the connection. */
  readonly [Symbol.asyncIterator]: Iterate<EventOf<Events>>
  readonly state: State
  /** What the connection is now. Its `lastEventId` moves with the events, the rest with the states. */
  readonly snapshot: Snapshot
  /** Calls the listener with each new state's snapshot. Returns its undo. */
  subscribe(listener: (snapshot: Snapshot) => unknown): () => void
  /** The id of the newest event that everybody has handled: listeners ran, what they promised came, loops went on. What another connection should resume after; the attempts of this one resume after what has come. */
  readonly lastEventId: string
  /** Where the run can be had by GET that this connection began, until it is over. */
  readonly location: string | undefined
  /** How the run ended that was read; nothing before, nor of a stream that is none. */
  readonly outcome: Outcome | undefined
  /** What it is, for logs: its request, state, attempt, delay, error and last event id. */
  toJSON(): object
  /** Resolves when the stream is open for the first time; rejects if it is closed before. */
  readonly opened: Promise<void>
  /** Resolves when the connection is over, with the reason; never rejects. */
  readonly closed: Promise<CloseReason>
  /** Disconnects and stays away until `unpause()`; keeps the last event id. */
  readonly pause: () => void
  /** Connects again after `pause()`, unless the page has a reason of its own to stay away. */
  readonly unpause: () => void
  /** Drops what there is, a pause too, and makes a new attempt at once. */
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
export function connect<Events extends object | undefined = undefined, Data = unknown>(
  url: ConnectUrl,
  options: ConnectOptions & { parse: 'json' | ((data: string, type: string) => Data); schemas?: undefined },
): Connection<Events extends object ? Events : Record<string, Data>>
export function connect<Events extends { [Type in keyof Events]: string } = Record<string, string>>(
  url: ConnectUrl,
  options?: ConnectOptions & { parse?: undefined; schemas?: undefined },
): Connection<Events>
export function connect(url: ConnectUrl, options: ConnectOptions): Connection<Record<string, unknown>>
export function connect(url: ConnectUrl, options: ConnectOptions = {}): Connection<Record<string, unknown>> {
  checkConnect(url, options)
  return new Handle(url, options)
}
