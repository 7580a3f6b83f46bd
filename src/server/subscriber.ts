import type { OutgoingEvent } from '../protocol/event.ts'
import type { Message } from './backplane.ts'
import type { BaseConnection, CloseReason, Owner } from './connection.ts'
import type { Bytes, Frame } from './frame.ts'
import type { Place } from './limits.ts'
import type { Delivery, PublishedEvent } from './published.ts'
import type { Queue } from './queue.ts'

/** What a connected client gets. */
export interface Subscription<Metadata = unknown> {
  /** The topics it follows. Events that name no topic reach it in any case. Default: none. */
  topics?: readonly string[] | undefined
  /** Whose connection it is. One user may have several. Default: nobody's. */
  user?: string | undefined
  /** Called for each event that would reach it; false withholds it. Default: none. */
  filter?: ((event: PublishedEvent) => boolean) | undefined
  /** Whatever the application wants to find again at `subscriber.metadata`. Default: none. */
  metadata?: Metadata | undefined
  /** Where it comes from, for `limits.perAddress`. Default: the socket's address in Node. */
  address?: string | undefined
}

/** A connected client, as the hub sees it. */
export interface Subscriber<Metadata = unknown> {
  /** Names this connection: the `client` that events are published to. New at each reconnection. */
  readonly id: string
  readonly user: string | undefined
  readonly topics: readonly string[]
  readonly metadata: Metadata | undefined
  readonly address: string | undefined
  /** `joining` until it has what it missed, then `live`; `behind` while it reads too slowly; `closed`. */
  readonly state: SubscriberState
  /** What it asked to resume after; `''` for nothing. */
  readonly lastEventId: string
  /** When it was accepted, in milliseconds since 1970. */
  readonly connectedAt: number
  /** How many bytes wait for it. */
  readonly queued: number
  /** Settles when its connection is over, with the reason. */
  readonly closed: Promise<CloseReason>
  /** Aborted when it can be sent nothing more. */
  readonly signal: AbortSignal
  /** Sends an event to it alone, past the log: it has no id, and is not replayed. Resolves when its bytes have left. */
  send(event: OutgoingEvent | string): Promise<void>
  /** Follows more topics, from the next event on. */
  subscribe(...topics: string[]): void
  /** Follows these topics no more. */
  unsubscribe(...topics: string[]): void
  /** Ends its connection. It will return, unless `authorize` refuses it then. */
  close(): void
}

export type SubscriberState = 'joining' | 'live' | 'behind' | 'closed'

/** What a subscriber needs of its hub. */
export interface Home {
  overflow(subscriber: HubSubscriber, queue: Queue, frame: Frame, room: number): boolean
  notice(subscriber: HubSubscriber): Frame | undefined
  wrote(bytes: Bytes, frames: readonly Frame[]): void
  over(subscriber: HubSubscriber, reason: CloseReason): void
  moved(subscriber: HubSubscriber, topics: readonly string[]): void
  report(error: unknown): void
}

const NONE: readonly string[] = []

export class HubSubscriber implements Subscriber, Owner {
  readonly id = crypto.randomUUID()
  readonly connectedAt = Date.now()
  readonly connection: BaseConnection
  readonly user: string | undefined
  readonly metadata: unknown
  readonly address: string | undefined
  readonly #filters: ReadonlyArray<(event: PublishedEvent) => boolean>
  readonly #home: Home
  #topics: readonly string[]
  /** The log's place that it has been brought to: everything up to here was sent, or is not for it. */
  epoch = ''
  offset = 0
  live = false
  /** What was delivered live while the log is read for it. */
  held: Delivery[] | undefined
  /** Its place among the hub's limits. */
  place: Place | undefined
  /** When its time is over, on the clock of `performance.now()`. */
  expires = Number.POSITIVE_INFINITY
  /** The events that a policy dropped since it fell behind. */
  lost: { readonly asked: string; readonly newest: string } | undefined
  /** The id of the event that was written last. */
  sent = ''

  constructor(
    home: Home,
    connection: BaseConnection,
    { user, topics = NONE, metadata, address }: Subscription,
    filters: ReadonlyArray<(event: PublishedEvent) => boolean>,
  ) {
    this.#home = home
    this.connection = connection
    this.user = user
    this.metadata = metadata
    this.address = address
    this.#topics = topics.length > 0 ? [...new Set(topics)] : NONE
    this.#filters = filters
  }

  get topics(): readonly string[] {
    return this.#topics
  }

  get state(): SubscriberState {
    if (!this.connection.open) return 'closed'
    if (this.connection.behind) return 'behind'
    return this.live ? 'live' : 'joining'
  }

  get lastEventId(): string {
    return this.connection.lastEventId
  }

  get queued(): number {
    return this.connection.queued
  }

  get closed(): Promise<CloseReason> {
    return this.connection.closed
  }

  get signal(): AbortSignal {
    return this.connection.signal
  }

  send(event: OutgoingEvent | string): Promise<void> {
    return this.connection.send(event)
  }

  subscribe(...topics: string[]): void {
    this.#follow([...new Set([...this.#topics, ...topics])])
  }

  unsubscribe(...topics: string[]): void {
    this.#follow(this.#topics.filter((topic) => !topics.includes(topic)))
  }

  close(): void {
    this.connection.close()
  }

  /** Whether a message is for it, as far as its addressee tells. */
  matches({ topics, user, client }: Pick<Message, 'topics' | 'user' | 'client'>): boolean {
    if (client !== undefined && client !== this.id) return false
    if (user !== undefined && user !== this.user) return false
    return topics === undefined || topics.some((topic) => this.#topics.includes(topic))
  }

  /** Sends a delivery if it may see it, and takes its place in the log either way. */
  offer(delivery: Delivery): void {
    const { entry } = delivery
    this.offset = entry.offset
    if (this.#sees(delivery)) this.connection.push(delivery.frame)
  }

  overflow(queue: Queue, frame: Frame, room: number): boolean {
    return this.#home.overflow(this, queue, frame, room)
  }

  notice(): Frame | undefined {
    return this.#home.notice(this)
  }

  wrote(bytes: Bytes, frames: readonly Frame[]): void {
    this.sent = frames[frames.length - 1]?.event?.id ?? this.sent
    this.#home.wrote(bytes, frames)
  }

  over(reason: CloseReason): void {
    this.live = false
    this.held = undefined
    this.#home.over(this, reason)
  }

  #sees(delivery: Delivery): boolean {
    const { where } = delivery.entry.message
    // Checked before the filters, which may be told of what is not for this subscriber otherwise.
    if (!this.matches(delivery.entry.message)) return false
    try {
      return (!where || where(this)) && this.#filters.every((filter) => filter(delivery))
    } catch (error) {
      // Withheld: what a filter could not judge must not be seen.
      this.#home.report(error)
      return false
    }
  }

  #follow(topics: readonly string[]): void {
    const before = this.#topics
    this.#topics = topics
    this.#home.moved(this, before)
  }
}
