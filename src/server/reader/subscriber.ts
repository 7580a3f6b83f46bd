import type { Interest, Message } from '../../log/log.ts'
import { isYes, OptionError } from '../check.ts'
import { Allowance, both, type Grant, type Grants, judgeVerdict } from '../door/grant.ts'
import type { Place } from '../door/limits.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Filter } from '../published-event.ts'
import { report } from '../report.ts'
import type { CloseReason } from './close-reason.ts'
import { BaseConnection, type Connection, MAX_QUEUED, type QueueOptions } from './connection.ts'
import type { Delivery } from './delivery.ts'
import { type Bytes, Frame } from './frame.ts'
import type { Gap } from './gap.ts'
import { Outbox, type Sender } from './outbox.ts'
import type { Hole, Queue } from './queue.ts'
import { Topics } from './topics.ts'

/** A connected client, as the hub sees it. What it is sent by itself goes past the log: without an id, and not replayed. */
export interface Subscriber<Metadata = unknown> extends Connection {
  /** Names this connection: the `client` that events are published to. New at each reconnection, unless the subscription names it. */
  readonly id: string
  /** Whose connection it is. */
  readonly user: string | undefined
  /** What it follows. */
  readonly topics: readonly string[]
  /** The beginnings of topics that it follows, as patterns. */
  readonly patterns: readonly string[]
  /** What the application gave it. */
  readonly metadata: Metadata | undefined
  /** Where it comes from, while it is connected. */
  readonly address: string | undefined
  /** `joining` until it has what it missed, then `live`; `behind` while it reads too slowly; `closed`. */
  readonly state: SubscriberState
  /** When it was accepted, in milliseconds since 1970. */
  readonly connectedAt: number
  /** Follows more topics, from the next event on. Throws `not-granted` where its grant does not allow one, and adds none then. */
  subscribe(...topics: string[]): void
  /** Follows these topics no more. */
  unsubscribe(...topics: string[]): void
  /** Gives it another grant in place of the one that it came with: until when, which topics (those that are no longer granted are left), which filter. */
  renew(grant: Grant<Metadata>): void
}

/** Where a subscriber is on its way: see `Subscriber.state`. */
export type SubscriberState = 'joining' | 'live' | 'behind' | 'closed'

/** What a subscriber needs of whoever serves it. */
export interface Home {
  /** Queues a published event for a reader that is behind, for which `room` bytes are left; false to give it up. */
  overflow(subscriber: HubSubscriber, queue: Queue, frame: Frame, room: number): boolean
  /** Tells a reader of a gap; resolves when it may go on. */
  tellGap(subscriber: HubSubscriber, gap: Gap): Promise<void>
  wrote(subscriber: HubSubscriber, bytes: Bytes, frames: readonly Frame[], now: number): void
  over(subscriber: HubSubscriber, reason: CloseReason): void
  /** It follows these topics from now on, and those no more, nor what begins so. */
  followed(
    subscriber: HubSubscriber,
    added: readonly string[],
    removed: readonly string[],
    prefixes?: readonly string[],
  ): void
  /** Its grant ends at another time. */
  renewed(subscriber: HubSubscriber): void
}

/** How many bytes of a replay are written at a time. */
const SLICE = 2 ** 17

/** A subscriber as the hub has it: who it is, what it may see, and where in the log it is. */
export class HubSubscriber extends BaseConnection implements Subscriber, Sender {
  readonly id: string
  /** Whether the application gave it its id, which is then the same when it returns. */
  readonly isNamed: boolean
  readonly connectedAt = Date.now()
  readonly user: string | undefined
  metadata: unknown
  readonly last: number
  readonly since: number | undefined
  readonly outbox: Outbox
  readonly #address: string | undefined
  readonly #home: Home
  readonly #topics: Topics
  /** What the route withholds, whatever is granted. */
  readonly #routeFilter: Filter | undefined
  #filter: Filter | undefined
  /** Its place among the hub's limits. */
  place: Place | undefined
  /** When its grant is over, in milliseconds since 1970: by the wall clock, as whoever granted it counts. */
  expires: number
  /** When it is sent away to return, on the clock of `performance.now()`. */
  leaves = Number.POSITIVE_INFINITY

  // Where in the log it is: everything up to here was written, or is not for it. Once `live`, the hub's place is its own.
  epoch = ''
  offset = 0
  live = false

  constructor(
    home: Home,
    exchange: Exchange,
    lastEventId: string,
    grants: Grants,
    options: QueueOptions,
    rate?: number,
  ) {
    super(exchange, lastEventId, options)
    const { subscription, filter, allowance, expires } = grants
    this.#home = home
    this.isNamed = subscription.client !== undefined
    this.id = subscription.client ?? crypto.randomUUID()
    this.user = subscription.user
    this.metadata = subscription.metadata
    this.last = subscription.last ?? 0
    this.since = subscription.since === undefined ? undefined : Number(subscription.since)
    this.expires = expires
    this.#address = subscription.address
    this.#topics = new Topics(subscription, allowance)
    this.#routeFilter = subscription.filter
    this.#filter = filter
    this.outbox = new Outbox(this, exchange, options.maxQueued ?? MAX_QUEUED, rate)
  }

  get address(): string | undefined {
    return this.#address ?? this.exchange.address
  }

  get topics(): readonly string[] {
    return [...this.#topics.all]
  }

  get patterns(): readonly string[] {
    return this.#topics.prefixes.map((prefix) => `${prefix}*`)
  }

  /** What it follows, to look at without a copy. */
  get following(): Topics {
    return this.#topics
  }

  get state(): SubscriberState {
    if (this.reason) return 'closed'
    if (this.outbox.isBehind) return 'behind'
    return this.live ? 'live' : 'joining'
  }

  override get queued(): number {
    return this.ended ? 0 : super.queued + this.outbox.size
  }

  subscribe(...topics: string[]): void {
    const added = this.#topics.add(topics)
    this.#home.followed(this, added, [])
  }

  unsubscribe(...topics: string[]): void {
    this.#home.followed(this, [], this.#topics.remove(topics))
  }

  renew(grant: Grant): void {
    const judged = judgeVerdict(grant)
    if ('status' in judged) {
      this.expire()
      return
    }
    if (judged.user !== undefined && judged.user !== this.user) {
      throw new OptionError('a renewed grant cannot be another user’s: end the connection instead')
    }
    const limited = judged.topics !== undefined || judged.patterns !== undefined
    const { topics, prefixes } = this.#topics.limit(limited ? new Allowance(judged) : undefined)
    this.#home.followed(this, [], topics, prefixes)
    this.#filter = both(this.#routeFilter, judged.filter)
    if (judged.metadata !== undefined) this.metadata = judged.metadata
    this.expires = Number(judged.expires ?? Number.POSITIVE_INFINITY)
    if (!this.ended) this.#home.renewed(this)
  }

  /** Whether a message is for it, as far as its addressee tells. */
  matches({ topics, user, client, except }: Pick<Message, 'topics' | 'user' | 'client' | 'except'>): boolean {
    if (client !== undefined && client !== this.id) return false
    if (user !== undefined && user !== this.user) return false
    if (except !== undefined && except === this.id) return false
    return topics === undefined || topics.some((topic) => this.#topics.has(topic))
  }

  /** Whether it is given an event. */
  sees(delivery: Delivery): boolean {
    const { message } = delivery.entry
    // Checked before the filters, which would be told of what is not for it otherwise.
    if (!this.matches(message)) return false
    try {
      if (message.where && !isYes(message.where(this), 'where')) return false
      return !this.#filter || isYes(this.#filter(delivery), 'a filter')
    } catch (error) {
      // Withheld: what a filter could not judge must not be seen.
      this.report(error)
      return false
    }
  }

  /** Sends a delivery if it may see it, and takes its place in the log either way. */
  offer(delivery: Delivery): void {
    this.offset = delivery.entry.offset
    if (!this.reason && this.sees(delivery)) this.outbox.push(delivery.frame)
  }

  /** Sends what is for it alone and nobody waits for; it may leave it with an id. */
  tell(frame: string, id?: string): void {
    if (!this.reason) this.outbox.push(new Frame(frame, { id }))
  }

  /** What it may be given, as a log asks for it. */
  get interest(): Interest {
    return { topics: this.#topics.all, prefixes: this.#topics.prefixes, user: this.user, client: this.id }
  }

  /** How much may be written before it is asked whether it takes more. */
  get pace(): number {
    return Math.min(SLICE, (this.options.maxQueued ?? MAX_QUEUED) / 2)
  }

  room(): Promise<void> | undefined {
    return this.outbox.room()
  }

  tellGap(gap: Gap): Promise<void> {
    return this.#home.tellGap(this, gap)
  }

  /** Its grant is over: what waits for it is not its to have any more. */
  expire(): void {
    this.outbox.flush()
    this.end('expired', this.queued > 0)
  }

  fail(error: unknown): void {
    this.report(error)
    this.end('failed')
  }

  fell(hole: Hole, asked: string): void {
    const gap: Gap = { reason: 'slow', asked, oldest: hole.oldest, newest: hole.newest }
    this.tellGap(gap).then(
      () => this.outbox.release(),
      (error) => {
        this.report(error)
        this.end('failed', true)
      },
    )
  }

  overflow(queue: Queue, frame: Frame, room: number): boolean {
    return this.#home.overflow(this, queue, frame, room)
  }

  wrote(bytes: Bytes, frames: readonly Frame[], now: number): void {
    this.#home.wrote(this, bytes, frames, now)
  }

  report(error: unknown): void {
    report(error, this.options)
  }

  override drained(): void {
    this.outbox.drained()
  }

  override over(): void {
    if (this.ended) return
    super.over()
    this.live = false
    this.outbox.over(() => this.error)
    this.#home.over(this, this.reason ?? 'left')
  }

  override write(text: string, id: string | undefined): Promise<void> {
    return new Promise((resolve, reject) =>
      this.outbox.push(new Frame(text, { id, waiter: { sent: resolve, failed: reject } })),
    )
  }

  protected override finish(last: boolean): void {
    this.outbox.finish(() => super.finish(last))
  }
}
