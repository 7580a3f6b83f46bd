/** A published event, as filters and hooks see it. */
export interface PublishedEvent {
  /** Its id in the log. */
  readonly id: string
  /** `message` where it was published without a type. */
  readonly type: string
  /** What was published: text as it is, all else as its JSON gives it back; frozen, because all filters see the same. */
  readonly data: unknown
  /** The topics that it was published to; empty where none was named. */
  readonly topics: readonly string[]
  /** The user that it was published to. */
  readonly user: string | undefined
  /** The connection that it was published to. */
  readonly client: string | undefined
}

/** Called for an event that would reach a reader; false, or nothing, withholds it. Answers at once. */
export type Filter = (event: PublishedEvent) => boolean
