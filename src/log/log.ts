/**
 * What happened, in order: the one thing that everything replayed is kept in. A hub delivers from one log for as long as it
 * lives; a run is a log that is sealed at its end. Why each rule is as it is, with Redis Streams, NATS JetStream and
 * Postgres in mind, is in README.md beside this file.
 */

/** A place in a log: which life of the log, and how many entries it had. */
export interface Position {
  /** Names one life of a log: 1 to 40 characters of ASCII without a dot or a space, new whenever the log was lost. */
  readonly epoch: string
  /** How many entries the log has had up to here: 0 before the first, then one by one. */
  readonly offset: number
}

/** What is appended, as it travels: nothing that `JSON.stringify` would lose, but for `where`. */
export interface Message {
  /** The event's lines but for its id, with the blank line at the end. */
  readonly frame: string
  /** The event's type, for filters; `message` where it has none. */
  readonly type: string
  /** Whether the data is JSON; if not it is text. */
  readonly json?: boolean | undefined
  /** The id that the application gave it, in place of its position. */
  readonly id?: string | undefined
  /** Whom it is for: readers of any of these topics. */
  readonly topics?: readonly string[] | undefined
  /** Whom it is for: the connections of this user. */
  readonly user?: string | undefined
  /** Whom it is for: this connection. */
  readonly client?: string | undefined
  /** Whom it is not for: this connection, which sent it. */
  readonly except?: string | undefined
  /** Whom it is for: readers for which this is true. Never there unless the log is `local`. */
  // biome-ignore lint/suspicious/noExplicitAny: the log carries it and never looks
  readonly where?: ((reader: any) => boolean) | undefined
}

/** A message in the log, under its own position. */
export interface Entry extends Position {
  /** When it was appended, in milliseconds since 1970. */
  readonly at: number
  /** What was appended. */
  readonly message: Message
}

/** Where an append has put its message. */
export interface Appended extends Position {
  /** Whether the idempotency key was known: the position is the first one's, and nothing was added. */
  readonly repeated?: boolean | undefined
  /** The id of the application's own that the entry there has. */
  readonly id?: string | undefined
}

/** What a log knows of itself. */
export interface Bounds extends Position {
  /** The offset of the oldest entry that can be read; one more than `offset`, which is the newest, where there is none. */
  readonly oldest: number
  /** Whether no more entries will come. */
  readonly sealed: boolean
}

/** Consecutive entries. */
export interface Page {
  /** Oldest first. */
  readonly entries: readonly Entry[]
  /** The offset up to which there is nothing else: that of the last entry, or a later one where entries are gone. */
  readonly end: number
}

/** What a reader of a log may be given: the addressees that are his. */
export interface Interest {
  /** The topics that he follows. */
  readonly topics: Iterable<string>
  /** The beginnings of topics that he follows. */
  readonly prefixes?: readonly string[] | undefined
  /** Whose connection it is. */
  readonly user?: string | undefined
  /** Which connection it is. */
  readonly client?: string | undefined
}

/** Who follows a log. What it throws is its own trouble: a log tells it to `error` and goes on. */
export interface Follower {
  /** The next entries, oldest first. */
  entries(entries: readonly Entry[]): void
  /** No more will come: the log was sealed and all of it delivered, or its time is over. */
  end(reason: 'sealed' | 'expired'): void
  /** Trouble that the log is dealing with. */
  error(error: unknown): void
}

/** A follower's place: it is given every entry after this position. */
export interface Following extends Position {
  /** Ends the deliveries; any number of times. */
  close(): void
}

/** How an append is made safe to repeat. */
export interface AppendOptions {
  /** A second append with the same key, for as long as the log remembers it, adds nothing. */
  readonly idempotencyKey?: string | undefined
}

/** What the processes that share a log know of each other. One that is killed is forgotten within seconds. */
export interface Peers {
  /** Asks all others; what they answer. Whoever says nothing for two seconds is left out. */
  ask(question: string): Promise<readonly string[]>
  /** Counts a name in, unless all processes together have it so often already; whether it is in. */
  enter(name: string, most: number): Promise<boolean>
  /** Counts it out. */
  leave(name: string): Promise<void>
  /** Leaves; any number of times. */
  close(): void
}

/** A named log. Every method may answer at once or with a promise. */
export interface Log {
  /** What it was opened as. */
  readonly name: string
  /** Whether messages stay in this process, so that functions (`where`) may travel with them. Default: false. */
  readonly local?: boolean | undefined
  /** How long an append may wait for what keeps the log, in milliseconds, where that is longer than who appends would wait. */
  readonly patience?: number | undefined
  /**
   * Adds a message and answers with its position once it is there. Rejected means unknown, but for a `LogError` of another
   * code than `log-unknown`: `log-sealed`, `log-closed`, `log-away`, `duplicate-id` (the message's own id is taken),
   * `reserved-id` (it has the form of a position of this log), which mean that it is not there.
   */
  append(message: Message, options?: AppendOptions): Appended | Promise<Appended>
  /**
   * The next entries after a position, at most `limit`; none where it is the newest. `undefined` where that cannot be known:
   * another epoch, an offset yet to come, an entry that is gone. A log with `covers` leaves out what is gone instead.
   */
  read(after: Position, limit: number): Page | undefined | Promise<Page | undefined>
  /** Whether all that is gone after a position was nothing to a reader. Only for logs that keep some entries longer than newer ones. */
  covers?(after: Position, reader: Interest): boolean | Promise<boolean>
  /**
   * Delivers every entry after the position that it answers with: in order, each one, none twice. That is `after`, where it
   * is given and nothing after it is gone, else where the log is whole from or (without `after`) where it ends.
   */
  follow(follower: Follower, after?: Position): Following | Promise<Following>
  /** What the log knows now. */
  bounds(): Bounds | Promise<Bounds>
  /** The position of a message with an id of its own. Without this method such ids are refused. */
  locate?(id: string): Position | undefined | Promise<Position | undefined>
  /**
   * The same place in the life of now, if nothing after it was lost; `undefined` where something was, or where nobody knows.
   * For a log whose store may restart, or be taken over by a copy, and begins a new life then because it may have lost its
   * newest entries: whoever has missed nothing goes on.
   */
  continues?(place: Position): Position | undefined | Promise<Position | undefined>
  /** Joins the processes that share the log, whose questions are answered from now on. For logs that processes share. */
  join?(answer: (question: string) => string): Peers
  /** Takes no more entries, and tells its followers when they have all; any number of times. Answers with the last position. */
  seal(): Position | Promise<Position>
  /** Forgets the log after so many milliseconds, with all that it holds; a later call counts instead. Opened again it is another one. */
  expire(within: number): void | Promise<void>
  /** Lets go of this handle and its followings; any number of times. What is called after it rejects with `log-closed`. */
  close(): void | Promise<void>
}

/** How much a log keeps. */
export interface LogOptions {
  /** The most entries kept. Default: 1000. */
  readonly count?: number | undefined
  /** The most bytes kept, with what an entry costs beside its text. Default: 16777216. */
  readonly bytes?: number | undefined
  /** How long an entry is kept, in milliseconds. Default: for ever, within `count` and `bytes`. */
  readonly age?: number | undefined
}

/** Where logs are opened by name: the same name is the same log. */
export interface Logs {
  /** Opens a log, and makes it at its first use. */
  open(name: string, options?: LogOptions): Log
  /** Closes all that was opened here; any number of times. */
  close(): void | Promise<void>
}

/** A name for a new life of a log: its time, and what tells two of one moment apart. */
export function newEpoch(): string {
  return Date.now().toString(36) + Math.random().toString(36).slice(2, 8)
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
