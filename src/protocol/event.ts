/** One event as its reader sees it. */
export interface ServerSentEvent<Type extends string = string, Data = string> {
  /** The name the server gave it, `message` where it gave none. */
  readonly type: Type
  /** The `data` lines, joined with LF. */
  readonly data: Data
  /** The last event id in force when the event was dispatched, as in `MessageEvent.lastEventId`; `''` where there is none. */
  readonly id: string
}

/** One event as its writer gives it: every field may be left out, and a field that is left out writes no line. */
export interface OutgoingEvent {
  /** The event's name; no CR, LF or NUL. Default: none, which readers take as `message`. */
  readonly type?: string | undefined
  /** A string is sent as it is, split at its line ends; anything else as JSON. */
  readonly data?: unknown
  /** The id to resume after; no CR, LF or NUL. `''` makes the reader forget the last one. */
  readonly id?: string | undefined
  /** The reconnection time that the reader should keep, in whole milliseconds. */
  readonly retry?: number | undefined
}

/** Iterates over events, for `for await`: an AsyncIterableIterator, of which TypeScript before 5.6 cannot say what it ends with. */
export interface EventIterator<Event> {
  next(): Promise<IteratorResult<Event, undefined>>
  return?(): Promise<IteratorResult<Event, undefined>>
  throw?(error: unknown): Promise<IteratorResult<Event, undefined>>
  [Symbol.asyncIterator](): EventIterator<Event>
}
