import type { Message } from '../../log/log.ts'
import { BaseConnection, type CloseReason, type Connection, type QueueOptions, report } from './connection.ts'
import { directSocket } from './direct.ts'
import type { Exchange } from '../http/exchange.ts'
import { type Batch, type Bytes, Frame } from './frame.ts'
import type { Place } from '../door/limits.ts'
import type { NodeSocket } from '../http/node.ts'
import type { Delivery, PublishedEvent } from '../hub/published.ts'
import { Queue } from './queue.ts'
import { begin } from './turn.ts'

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

/** A connected client, as the hub sees it. What it is sent by itself goes past the log: without an id, and not replayed. */
export interface Subscriber<Metadata = unknown> extends Connection {
  /** Names this connection: the `client` that events are published to. New at each reconnection. */
  readonly id: string
  /** Whose connection it is. */
  readonly user: string | undefined
  /** What it follows. */
  readonly topics: readonly string[]
  /** What the application gave it. */
  readonly metadata: Metadata | undefined
  /** Where it comes from, while it is connected. */
  readonly address: string | undefined
  /** `joining` until it has what it missed, then `live`; `behind` while it reads too slowly; `closed`. */
  readonly state: SubscriberState
  /** When it was accepted, in milliseconds since 1970. */
  readonly connectedAt: number
  /** Follows more topics, from the next event on. */
  subscribe(...topics: string[]): void
  /** Follows these topics no more. */
  unsubscribe(...topics: string[]): void
}

/** Where a subscriber is on its way: see `Subscriber.state`. */
export type SubscriberState = 'joining' | 'live' | 'behind' | 'closed'

/** What a subscriber needs of its hub. */
export interface Home {
  /** Queues a frame for a reader that is behind, for which `room` bytes are left; false to give it up. */
  overflow(subscriber: HubSubscriber, queue: Queue, frame: Frame, room: number): boolean
  /** What a reader has to be told first when it takes more again. */
  notice(subscriber: HubSubscriber): Frame | undefined
  wrote(subscriber: HubSubscriber, bytes: Bytes, frames: readonly Frame[], now: number): void
  over(subscriber: HubSubscriber, reason: CloseReason): void
  moved(subscriber: HubSubscriber, topics: readonly string[]): void
}

interface Waiter {
  readonly mark: number
  resolve(): void
  reject(error: unknown): void
}

type Filters = ReadonlyArray<Subscription['filter']>
const NONE: readonly string[] = []

/** A subscriber as the hub has it: what is written to it, where in the log it is, and whom it is. */
export class HubSubscriber extends BaseConnection implements Subscriber {
  readonly id = crypto.randomUUID()
  readonly connectedAt = Date.now()
  readonly user: string | undefined
  readonly metadata: unknown
  readonly #address: string | undefined
  readonly #filters: Filters
  readonly #home: Home
  #topics: readonly string[]
  /** Its place among the hub's limits. */
  place: Place | undefined
  /** When its time is over, on the clock of `performance.now()`. */
  expires = Number.POSITIVE_INFINITY

  // Where in the log it is: everything up to here was written, or is not for it. Once `live`, the hub's place is its own.
  epoch = ''
  offset = 0
  live = false
  /** What was delivered live while the log is read for it. */
  held: Delivery[] | undefined

  // What is written to it.
  readonly #socket: NodeSocket | undefined
  #written = performance.now()
  #batch: Batch | undefined
  /** What carries the bytes takes no more for now: what is pushed meanwhile waits in the queue. */
  #behind = false
  #queue: Queue | undefined
  #pushed = 0
  #last = false
  #waiters: Waiter[] | undefined
  /** The id of the event that was written last. */
  sent = ''
  /** The events that a policy dropped and it was not told of. */
  lost: { readonly asked: string; readonly newest: string } | undefined

  constructor(
    home: Home,
    exchange: Exchange,
    lastEventId: string,
    { user, topics, metadata, address }: Subscription,
    filters: Filters,
    options: QueueOptions,
  ) {
    super(exchange, lastEventId, options)
    this.#home = home
    this.user = user
    this.metadata = metadata
    this.#address = address
    this.#topics = topics?.length ? [...new Set(topics)] : NONE
    this.#filters = filters
    this.#socket = directSocket(exchange)
  }

  get address(): string | undefined {
    return this.#address ?? this.exchange.address
  }

  get topics(): readonly string[] {
    return this.#topics
  }

  get state(): SubscriberState {
    if (this.reason) return 'closed'
    if (this.#behind) return 'behind'
    return this.live ? 'live' : 'joining'
  }

  override get queued(): number {
    return this.ended ? 0 : super.queued + (this.#batch?.size ?? 0) + (this.#queue?.size ?? 0)
  }

  /** When it last heard of us, on the clock of `performance.now()`; a reader that is behind needs no heartbeat. */
  get touched(): number {
    return this.#behind ? performance.now() : this.#written
  }

  subscribe(...topics: string[]): void {
    this.#follow([...new Set([...this.#topics, ...topics])])
  }

  unsubscribe(...topics: string[]): void {
    this.#follow(this.#topics.filter((topic) => !topics.includes(topic)))
  }

  /** Whether a message is for it, as far as its addressee tells. */
  matches({ topics, user, client }: Pick<Message, 'topics' | 'user' | 'client'>): boolean {
    if (client !== undefined && client !== this.id) return false
    if (user !== undefined && user !== this.user) return false
    return topics === undefined || topics.some((topic) => this.#topics.includes(topic))
  }

  /** Sends a delivery if it may see it, and takes its place in the log either way. */
  offer(delivery: Delivery): void {
    this.offset = delivery.entry.offset
    if (this.#sees(delivery)) this.push(delivery.frame)
  }

  /** Adds a frame to what is written at the end of this turn. */
  push(frame: Frame): void {
    if (this.reason) return
    this.#pushed += frame.payload.length
    this.#batch = this.#batch ? this.#batch.with(frame) : begin(this, frame)
  }

  /** Settles when everything pushed so far has left. */
  flushed(): Promise<void> {
    if (this.#gone >= this.#pushed) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters ??= []
      this.#waiters.push({ mark: this.#pushed, resolve, reject })
    })
  }

  /** Writes what was pushed in this turn. */
  flush(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (!batch || this.ended) return
    try {
      if (!this.#behind) this.#transmit(batch.bytes, batch.frames)
      else for (const frame of batch.frames) this.#enqueue(frame)
    } catch (error) {
      // One reader's trouble, whatever it is, is not the next one's.
      report(error, this.options)
      this.end('failed', true)
    }
  }

  override drained(): void {
    if (this.ended) return
    this.watch(false)
    this.#behind = false
    // One system call for as much as is taken.
    this.#socket?.cork()
    const notice = this.#home.notice(this)
    if (notice) this.#transmit(notice, [notice])
    while (!this.#behind) {
      const frame = this.#queue?.take()
      if (!frame) break
      this.#transmit(frame, [frame])
    }
    this.#socket?.uncork()
    if (!this.#queue?.size) this.#queue = undefined
    if (!this.reason) return
    this.watch(true)
    if (!this.#behind) super.finish(this.#last)
  }

  override over(): void {
    if (this.ended) return
    super.over()
    this.live = false
    this.held = undefined
    this.#batch = undefined
    this.#queue = undefined
    for (const waiter of this.#waiters ?? []) waiter.reject(this.error)
    this.#waiters = undefined
    this.#home.over(this, this.reason ?? 'left')
  }

  protected override write(text: string): Promise<void> {
    this.push(new Frame(text))
    return this.flushed()
  }

  protected override finish(last: boolean): void {
    this.#last = last
    this.flush()
    if (!this.#behind && !this.ended) super.finish(last)
  }

  get #gone(): number {
    return this.#pushed - (this.#batch?.size ?? 0) - (this.#queue?.size ?? 0)
  }

  #transmit(bytes: Bytes, frames: readonly Frame[]): void {
    const now = performance.now()
    this.#written = now
    const socket = this.#socket
    const done = this.#waiters && this.#settle(this.#gone)
    let clear = true
    if (!socket) clear = this.exchange.write(bytes.payload, done)
    // Not writable: it is about to close, and writing would make that an error.
    else if (socket.writable && !socket.write(bytes.chunk, done) && socket.writableLength > 0) {
      clear = false
      socket.once('drain', () => this.drained())
    }
    this.#home.wrote(this, bytes, frames, now)
    if (clear || this.ended) return
    this.#behind = true
    this.watch(true)
  }

  #settle(mark: number): ((error?: unknown) => void) | undefined {
    if (!this.#waiters?.some((waiter) => waiter.mark <= mark)) return undefined
    return (error) => {
      // Its end follows, and rejects with a better reason.
      if (error) return
      const waiters = this.#waiters ?? []
      this.#waiters = waiters.filter((waiter) => waiter.mark > mark)
      for (const waiter of waiters) if (waiter.mark <= mark) waiter.resolve()
    }
  }

  #enqueue(frame: Frame): void {
    if (this.ended) return
    this.#queue ??= new Queue()
    const room = (this.options.maxQueued ?? 2 ** 20) - this.exchange.held - this.#queue.size
    if (!this.#home.overflow(this, this.#queue, frame, room)) this.end('slow', true)
  }

  #sees(delivery: Delivery): boolean {
    const { message } = delivery.entry
    // Checked before the filters, which would be told of what is not for it otherwise.
    if (!this.matches(message)) return false
    try {
      if (message.where && !message.where(this)) return false
      for (const filter of this.#filters) if (filter && !filter(delivery)) return false
      return true
    } catch (error) {
      // Withheld: what a filter could not judge must not be seen.
      report(error, this.options)
      return false
    }
  }

  #follow(topics: readonly string[]): void {
    const before = this.#topics
    this.#topics = topics
    this.#home.moved(this, before)
  }
}
