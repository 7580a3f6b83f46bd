import { comment, encode } from '../../protocol/encode.ts'
import { UnmissedError } from '../../protocol/errors.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { lifetime } from '../reader/accept.ts'
import { type Backplane, type BackplaneSubscription, type Entry, type Position, toId } from '../../log/log.ts'
import { BaseConnection, type CloseReason, type Connection, report } from '../reader/connection.ts'
import { HubClosed } from '../errors.ts'
import type { Exchange, HubRequest, Refusal } from '../http/exchange.ts'
import { type Bytes, Frame } from '../reader/frame.ts'
import { type Admission, Gate, type Guarded } from '../door/door.ts'
import { memoryBackplane } from '../../log/memory.ts'
import { Metrics } from '../metrics.ts'
import { NodeExchange, type NodeRequest, type NodeResponse } from '../http/node.ts'
import type { CloseOptions, Hub, HubOptions, HubStats, PublishOptions } from './options.ts'
import { type Audience, Delivery, toMessage } from './published.ts'
import { Pulse } from '../reader/heartbeat.ts'
import type { Queue } from '../reader/queue.ts'
import { type Gap, Replay, type Replayed, type Start } from './replay.ts'
import { Roster } from './roster.ts'
import { enqueue } from '../reader/slow.ts'
import { type Home, HubSubscriber, type Subscriber, type Subscription } from '../reader/subscriber.ts'
import { WebExchange } from '../http/web.ts'

/** How long the backplane may take to say where a reader begins, in milliseconds, before the reader is sent away. */
const PATIENCE = 5000
const STILL = /* @__PURE__ */ new Frame(/* @__PURE__ */ comment())

/** Makes a hub: many readers, one log. */
export function createHub<Events = Record<string, unknown>, Metadata = unknown>(
  options: HubOptions<Metadata> = {},
): Hub<Events, Metadata> {
  return new LogHub(options as HubOptions) as unknown as Hub<Events, Metadata>
}

class LogHub implements Hub, Home, Replayed, Guarded {
  readonly backplane: Backplane
  readonly #options: HubOptions
  readonly #gate: Gate
  readonly #metrics = new Metrics()
  readonly #roster = new Roster()
  readonly #replay = new Replay(this)
  readonly #pulse: Pulse
  #position: Position | undefined
  #subscription: BackplaneSubscription | undefined
  #subscribing: Promise<void> | undefined
  /** What was delivered before it was known from where on. */
  #early: Entry[] = []
  #deliveries = new WeakMap<Entry, Delivery>()
  #closing: Promise<void> | undefined

  constructor(options: HubOptions) {
    const onError = (error: unknown): void => {
      this.#metrics.count('errors_total')
      report(error, options)
    }
    this.#options = { ...options, onError }
    this.backplane = options.backplane ?? memoryBackplane(options.history)
    this.#gate = new Gate(this, this.#options)
    this.#pulse = new Pulse(options.heartbeat ?? 15_000, this.#roster.all, (silent) => this.#beat(silent))
  }

  get size(): number {
    return this.#roster.all.size
  }

  // Bound, so that they can be handed on as they are: `app.get('/events', hub.handle)`, `export const GET = hub.fetch`.
  readonly handle = async (
    request: NodeRequest,
    response: NodeResponse,
    subscription?: Subscription,
    next?: () => void,
  ): Promise<Subscriber | undefined> => {
    return this.#gate.enter(new NodeExchange(request, response), subscription, next)
  }

  readonly fetch = async (request: Request, subscription?: Subscription): Promise<Response> => {
    const exchange = new WebExchange(request)
    await this.#gate.enter(exchange, subscription)
    return exchange.response ?? new Response(null, { status: 500 })
  }

  add(connection: Connection, subscription: Subscription = {}): Subscriber {
    if (!(connection instanceof BaseConnection)) throw new TypeError('add takes a connection that accept made')
    if (this.#closing) throw new HubClosed()
    const { exchange, lastEventId: id, open } = connection
    const subscriber = new HubSubscriber(this, exchange, id, subscription, [subscription.filter], this.#options)
    if (!open) subscriber.over()
    else {
      this.#welcome(subscriber)
      this.begin(id).then(
        (start) => this.#start(subscriber, start),
        (error) => {
          this.report(error)
          subscriber.end('failed')
        },
      )
    }
    return subscriber
  }

  publish(
    event: OutgoingEvent,
    audience: Audience = {},
    options: PublishOptions = {},
  ): Promise<{ readonly id: string }> {
    const published = this.#publish(event, audience, options)
    // Who does not await it has not asked to lose the process over it; `onError` was told.
    published.catch(ignore)
    return published
  }

  disconnect({ user, client, where }: Pick<Audience<Subscriber>, 'user' | 'client' | 'where'>): number {
    let count = 0
    for (const found of this.#roster.candidates({ user, client })) {
      for (const subscriber of found) {
        if (!subscriber.matches({ user, client }) || (where && !where(subscriber))) continue
        subscriber.close()
        count++
      }
    }
    return count
  }

  subscribers(): IterableIterator<Subscriber> {
    return this.#roster.all.values()
  }

  stats(): HubStats {
    const states = { joining: 0, live: 0, behind: 0, closed: 0 }
    for (const { state } of this.#roster.all) states[state]++
    return {
      connections: this.size,
      users: sizes(this.#roster.users),
      topics: sizes(this.#roster.topics),
      states,
      newest: this.#position && toId(this.#position),
    }
  }

  metrics(): string {
    return this.#metrics.render(this.size)
  }

  close({ within = 10_000, retry = this.#options.retry ?? 1000 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(within, retry)
    return this.#closing
  }

  async #close(within: number, retry: number): Promise<void> {
    this.#pulse.stop()
    const all = [...this.#roster.all]
    for (const subscriber of all) {
      subscriber.push(new Frame(encode({ retry: Math.round(retry * (1 + Math.random())) })))
      subscriber.end('closed', false, true)
    }
    await soon(Promise.all(all.map((subscriber) => subscriber.closed)), within).catch(ignore)
    for (const subscriber of all) subscriber.end('closed', true)
    this.#subscription?.close()
    try {
      await this.backplane.close()
    } catch (error) {
      this.report(error)
    }
  }

  // What the parts of the hub need of it.

  get position(): Position {
    return this.#position ?? { epoch: '', offset: 0 }
  }

  deliver(entry: Entry): Delivery {
    const known = this.#deliveries.get(entry)
    if (known) return known
    const delivery = new Delivery(entry)
    this.#deliveries.set(entry, delivery)
    return delivery
  }

  adopt(position: Position): void {
    const before = this.position
    this.#position = position
    for (const subscriber of this.#roster.all) {
      // It was brought to where the hub was; the log says whether anything is missing since then.
      if (subscriber.live) void this.#replay.join(subscriber, { position: before })
    }
  }

  replayed(count: number): void {
    this.#metrics.count('replayed_total', count)
  }

  gap(gap: Gap, subscriber: HubSubscriber): unknown {
    this.#metrics.count('gaps_total')
    return this.#call(this.#options.onGap, gap, subscriber)
  }

  overflow(subscriber: HubSubscriber, queue: Queue, frame: Frame, room: number): boolean {
    const slow = this.#options.slow ?? 'disconnect'
    const policy = typeof slow === 'string' ? slow : 'latest'
    const key = typeof slow === 'object' && frame.event ? this.#call(slow.latest, frame.event as Delivery) : undefined
    return enqueue(policy, key, queue, frame, room, ({ event }, lost) => {
      this.#metrics.count('dropped_total', 1, `{policy="${policy}"}`)
      if (!event) return
      if (lost) subscriber.lost = { asked: subscriber.lost?.asked ?? subscriber.sent, newest: event.id }
      this.#call(this.#options.onDrop, event as Delivery, subscriber)
    })
  }

  notice(subscriber: HubSubscriber): Frame | undefined {
    const { lost } = subscriber
    if (!lost) return undefined
    subscriber.lost = undefined
    const gap = { asked: lost.asked, oldest: lost.newest, newest: lost.newest }
    void this.gap(gap, subscriber)
    // Without an id: what waits for the reader may well be older than what was dropped.
    return new Frame(encode({ type: 'gap', data: gap }))
  }

  wrote(subscriber: HubSubscriber, { payload }: Bytes, frames: readonly Frame[], now: number): void {
    // What leaves together was published in one turn, but for a reader that was behind, whose frames leave one by one.
    const last = frames[frames.length - 1]
    this.#metrics.wrote(payload.length, frames.length, last?.event && now - last.at)
    if (last?.event) subscriber.sent = last.event.id
  }

  over(subscriber: HubSubscriber, reason: CloseReason): void {
    this.#roster.delete(subscriber)
    subscriber.place?.leave()
    this.#metrics.count('closed_total', 1, `{reason="${reason}"}`)
    this.#call(this.#options.onDisconnect, subscriber, reason)
  }

  moved(subscriber: HubSubscriber, before: readonly string[]): void {
    this.#roster.move(subscriber, before)
  }

  report(error: unknown): void {
    this.#options.onError?.(error)
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  refused(refusal: Refusal, request: HubRequest): void {
    this.#metrics.count('refusals_total', 1, `{status="${refusal.status}"}`)
    this.#call(this.#options.onRefuse, refusal, request)
  }

  seat(exchange: Exchange, id: string, { subscription, filters, expires, place }: Admission, start: Start): Subscriber {
    const subscriber = new HubSubscriber(this, exchange, id, subscription, filters, this.#options)
    subscriber.place = place
    const { maxDuration } = this.#options
    const life = Math.min(expires - Date.now(), maxDuration ? lifetime(maxDuration) : Number.POSITIVE_INFINITY)
    subscriber.expires = performance.now() + life
    this.#welcome(subscriber)
    this.#start(subscriber, start)
    return subscriber
  }

  async #publish(event: OutgoingEvent, audience: Audience, options: PublishOptions): Promise<{ readonly id: string }> {
    try {
      if (this.#closing) throw new HubClosed()
      const message = toMessage(event, audience)
      if (message.where && !this.backplane.local) {
        throw new TypeError('where is a function and cannot leave the process: name topics, a user or a client instead')
      }
      if (message.id !== undefined && !this.backplane.locate) {
        throw new TypeError('this backplane cannot find an id of yours again: leave id out')
      }
      const position = await this.backplane.publish(message, options)
      const id = message.id ?? toId(position)
      this.#metrics.count('published_total')
      this.#call(this.#options.onPublish, id, event)
      return { id }
    } catch (error) {
      this.report(error)
      throw error
    }
  }

  #welcome(subscriber: HubSubscriber): void {
    this.#metrics.count('connections_total')
    this.#roster.add(subscriber)
    this.#pulse.watch(subscriber)
  }

  #start(subscriber: HubSubscriber, start: Start): void {
    const { retry, connected, onConnect } = this.#options
    const { lastEventId: asked } = subscriber
    const id = toId(start.position)
    subscriber.sent = asked || id
    // A reader that has nothing yet is told where it begins: cut off before its first event, it resumes from here.
    const first: OutgoingEvent = {
      id: asked ? undefined : id,
      retry,
      ...(connected && {
        type: connected === true ? 'connected' : connected,
        data: { client: subscriber.id, time: Date.now() },
      }),
    }
    if (!asked || retry !== undefined || connected) subscriber.push(new Frame(encode(first)))
    if (asked && !start.gap) this.#metrics.count('replays_total')
    const ready = this.#call(onConnect, subscriber)
    void this.#replay.join(subscriber, start, ready)
  }

  begin(asked: string): Promise<Start> {
    return soon(
      this.#ready().then(() => this.#replay.judge(asked)),
      PATIENCE,
    )
  }

  /** Hears the backplane from the first reader on; tried again by the next one where it failed. */
  #ready(): Promise<void> {
    this.#subscribing ??= this.#subscribe().catch((error) => {
      this.#subscribing = undefined
      throw error
    })
    return this.#subscribing
  }

  async #subscribe(): Promise<void> {
    const subscription = await this.backplane.subscribe(
      (entry) => this.#receive(entry),
      (error) => this.report(error),
    )
    this.#subscription = subscription
    if (this.#closing) subscription.close()
    this.#position = { epoch: subscription.epoch, offset: subscription.offset }
    for (const entry of this.#early.splice(0)) this.#receive(entry)
  }

  #receive(entry: Entry): void {
    const position = this.#position
    if (!position) {
      this.#early.push(entry)
      return
    }
    if (entry.epoch === position.epoch) {
      if (entry.offset <= position.offset) return
      if (entry.offset > position.offset + 1) this.adopt({ epoch: entry.epoch, offset: entry.offset - 1 })
    } else this.adopt({ epoch: entry.epoch, offset: entry.offset - 1 })
    this.#position = entry
    const delivery = this.deliver(entry)
    for (const found of this.#roster.candidates(entry.message)) {
      for (const subscriber of found)
        if (subscriber.live && entry.offset > subscriber.offset) subscriber.offer(delivery)
    }
    this.#replay.hold(delivery)
  }

  #beat(silent: readonly HubSubscriber[]): void {
    const { ping } = this.#options
    const position = this.position
    const id = toId(position)
    const event = ping ? { type: ping, data: Date.now() } : {}
    // Who has nothing newer to resume from is given the hub's place: else the log would outgrow it while it is told
    // only of what it may see.
    const moved = new Frame(encode({ id, ...event }))
    const still = ping ? new Frame(encode(event)) : STILL
    for (const subscriber of silent) {
      const newer = subscriber.live && position.offset > subscriber.offset
      if (newer) subscriber.offset = position.offset
      subscriber.push(newer ? moved : still)
    }
  }

  /** Calls back into the application, whose mistakes are its own. */
  #call<Arguments extends unknown[], Result>(
    hook: ((...values: Arguments) => Result) | undefined,
    ...values: Arguments
  ): Result | undefined {
    try {
      const result = hook?.(...values)
      return result instanceof Promise ? (result.catch((error) => this.report(error)) as Result) : result
    } catch (error) {
      this.report(error)
      return undefined
    }
  }
}

const ignore = (): void => {}

function sizes(index: ReadonlyMap<string, ReadonlySet<unknown>>): Record<string, number> {
  return Object.fromEntries([...index].map(([key, set]) => [key, set.size]))
}

/** A promise that is waited for only so long, in milliseconds. */
async function soon<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UnmissedError('timeout', `no answer within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
