/** A place in a log: which log it is, and how many entries it had. */
export interface Position {
  /** Names one life of a log: text without a dot, new whenever the log was lost. */
  readonly epoch: string
  /** How many entries the log has had up to here: 0 before the first, then one by one. */
  readonly offset: number
}

/** What is published, as it travels: nothing that `JSON.stringify` would lose, but for `where`. */
export interface Message {
  /** The event's lines but for its id, with the blank line at the end. */
  readonly frame: string
  /** The event's type, for filters; `message` where it has none. */
  readonly type: string
  /** Whether the data is JSON; if not it is text. */
  readonly json?: boolean | undefined
  /** The id that the application gave it, in place of its position. */
  readonly id?: string | undefined
  /** Whom it is for: subscribers of any of these topics. */
  readonly topics?: readonly string[] | undefined
  /** Whom it is for: the connections of this user. */
  readonly user?: string | undefined
  /** Whom it is for: this connection. */
  readonly client?: string | undefined
  /** Whom it is for: subscribers for which this is true. Never there unless the backplane is `local`. */
  // biome-ignore lint/suspicious/noExplicitAny: the backplane carries it and never looks
  readonly where?: ((subscriber: any) => boolean) | undefined
}

/** A message in the log, under its own position. */
export interface Entry extends Position {
  /** What was published. */
  readonly message: Message
}

/** What a log still knows. */
export interface Bounds extends Position {
  /** The offset of the oldest entry that can be read; one more than `offset`, which is the newest, where there is none. */
  readonly oldest: number
}

/** Live deliveries: they begin after this position. */
export interface BackplaneSubscription extends Position {
  /** Ends the deliveries; any number of times. */
  close(): void
}

/**
 * The log that a hub delivers from, of one process or of many. A hub has no other source: it hears of its own events
 * through this too. Every method may answer at once or with a promise.
 */
export interface Backplane {
  /** Whether messages stay in this process, so that functions (`where`) may travel with them. Default: false. */
  readonly local?: boolean | undefined
  /**
   * Adds a message to the log and resolves with its position once it is there. Rejected means unknown: the same
   * `idempotencyKey` again, for as long as the log remembers it, gives the position of the first and adds nothing.
   */
  publish(message: Message, options: { readonly idempotencyKey?: string | undefined }): Position | Promise<Position>
  /**
   * Delivers every entry after the position that it resolves with: in order, each one, none twice. Where entries were
   * lost on the way the next ones are delivered all the same: the hub sees the hole. `onError` hears of trouble that
   * the backplane is dealing with.
   */
  subscribe(
    listener: (entry: Entry) => void,
    onError: (error: unknown) => void,
  ): BackplaneSubscription | Promise<BackplaneSubscription>
  /**
   * The next entries after a position, at most `limit`, oldest first and without a hole; none where it is the newest.
   * `undefined` where that cannot be known: another epoch, an offset yet to come, an entry that is no longer there.
   */
  read(after: Position, limit: number): readonly Entry[] | undefined | Promise<readonly Entry[] | undefined>
  /** What the log knows now. */
  bounds(): Bounds | Promise<Bounds>
  /** The position of a message with an id of its own. Without this method such ids are refused. */
  locate?(id: string): Position | undefined | Promise<Position | undefined>
  /** Lets go of everything; any number of times. What is called after it rejects. */
  close(): void | Promise<void>
}

/** A position as the id of an event. */
export function toId({ epoch, offset }: Position): string {
  return `${epoch}.${offset}`
}

/** The position that an id names, if it has the form of one. */
export function fromId(id: string): Position | undefined {
  const match = /^([^.]+)\.(0|[1-9][0-9]{0,15})$/.exec(id)
  return match?.[1] ? { epoch: match[1], offset: Number(match[2]) } : undefined
}
