import { OptionError } from '../check.ts'
import { type Grant, type Grants, judgeVerdict } from '../door/grant.ts'
import type { Place } from '../door/limits.ts'
import type { Exchange } from '../http/exchange.ts'
import { report } from '../report.ts'
import { BaseConnection, MAX_QUEUED, type QueueOptions, unheard } from './connection.ts'
import type { Delivery } from './delivery.ts'
import { type Bytes, Frame } from './frame.ts'
import type { Gap } from './gap.ts'
import type { Home } from './home.ts'
import { Outbox, type Sender } from './outbox.ts'
import type { Hole, Queue } from './queue.ts'
import type { Seat, Sitter } from './seat.ts'
import type { Subscriber, SubscriberState } from './subscriber.ts'
import { type Addressed, View } from './view.ts'

/** A subscriber as the hub has it: who it is, what it may see, and where it is in the logs that it follows. */
export class HubSubscriber extends BaseConnection implements Subscriber, Sender, Sitter {
  readonly id: string
  /** Whether the application gave it its id, which is then the same when it returns. */
  readonly isNamed: boolean
  readonly connectedAt = Date.now()
  readonly user: string | undefined
  metadata: unknown
  readonly last: number
  readonly since: number | undefined
  readonly outbox: Outbox
  readonly view: View
  readonly #address: string | undefined
  readonly #home: Home<HubSubscriber>
  /** Its place among the hub's limits. */
  place: Place | undefined
  /** When its grant is over, in milliseconds since 1970: by the wall clock, as whoever granted it counts. */
  expires: number
  /** When it is sent away to return, on the clock of `performance.now()`. */
  leaves = Number.POSITIVE_INFINITY
  // With room for one from the start: to an empty list V8 would add room for seventeen.
  readonly seats: Array<Seat | undefined> = [undefined]
  before: Promise<unknown> | undefined

  constructor(
    home: Home<HubSubscriber>,
    exchange: Exchange,
    lastEventId: string,
    grants: Grants,
    options: QueueOptions,
    rate?: number,
  ) {
    super(exchange, lastEventId, options)
    const { subscription, expires } = grants
    this.#home = home
    this.isNamed = subscription.client !== undefined
    this.id = subscription.client ?? newId()
    this.user = subscription.user
    this.metadata = subscription.metadata
    this.last = subscription.last ?? 0
    this.since = subscription.since === undefined ? undefined : Number(subscription.since)
    this.expires = expires
    this.#address = subscription.address
    this.view = new View(grants)
    this.outbox = new Outbox(this, exchange, options.maxQueued ?? MAX_QUEUED, rate)
  }

  get address(): string | undefined {
    return this.#address ?? this.exchange.address
  }

  get topics(): readonly string[] {
    return [...this.view.topics.all]
  }

  get patterns(): readonly string[] {
    return this.view.topics.prefixes.map((prefix) => `${prefix}*`)
  }

  get state(): SubscriberState {
    if (this.reason) return 'closed'
    if (this.outbox.isBehind) return 'behind'
    return this.live ? 'live' : 'joining'
  }

  /** Whether the hub's places are its own. */
  get live(): boolean {
    // Asked at each write: a loop costs less than a callback.
    let isLive = false
    for (const seat of this.seats) {
      if (seat && !seat.live) return false
      isLive ||= seat !== undefined
    }
    return isLive
  }

  override get queued(): number {
    return this.ended ? 0 : super.queued + this.outbox.size
  }

  subscribe(...topics: string[]): void {
    const added = this.view.topics.add(topics)
    this.#home.followed(this, added, [])
  }

  unsubscribe(...topics: string[]): void {
    this.#home.followed(this, [], this.view.topics.remove(topics))
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
    const { topics, prefixes } = this.view.limit(judged)
    this.#home.followed(this, [], topics, prefixes)
    if (judged.metadata !== undefined) this.metadata = judged.metadata
    this.expires = Number(judged.expires ?? Number.POSITIVE_INFINITY)
    if (!this.ended) this.#home.renewed(this)
  }

  /** Whether a message is for it, as far as its addressee tells. */
  matches(message: Addressed): boolean {
    return this.view.matches(message, this)
  }

  /** Whether it is given an event. What could not be judged is withheld. */
  sees(delivery: Delivery): boolean {
    try {
      return this.view.sees(delivery, this)
    } catch (error) {
      this.report(error)
      return false
    }
  }

  /** Sends what is for it alone and nobody waits for; it may leave it with an id. */
  tell(frame: string, id?: string): void {
    if (!this.reason) this.outbox.push(new Frame(frame, { id }))
  }

  /** Tells it of a gap, then `arrive`s: it leaves it with that id. Resolves when it may go on. */
  tellGap(gap: Gap, arrive: () => string): Promise<void> {
    return this.#home.tellGap(this, gap, arrive)
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
    this.tellGap(gap, () => gap.newest).then(
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
    for (const seat of this.seats) if (seat) seat.live = false
    this.outbox.over(() => this.error)
    this.#home.over(this, this.reason ?? 'left')
  }

  override write(text: string, id: string | undefined): Promise<void> {
    return unheard(
      new Promise((resolve, reject) =>
        this.outbox.push(new Frame(text, { id, waiter: { sent: resolve, failed: reject } })),
      ),
    )
  }

  protected override finish(last: boolean): void {
    this.outbox.finish(() => super.finish(last))
  }
}

/** An id that nobody else has. Node joins a UUID of twenty parts, and keeps those (550 bytes, not 120) until it is looked into. */
function newId(): string {
  const id = crypto.randomUUID()
  id.charCodeAt(0)
  return id
}
