import { encode } from '../../protocol/encode.ts'
import type { Grants } from '../door/grant.ts'
import type { Place } from '../door/limits.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Metrics } from '../metrics.ts'
import type { CloseReason } from '../reader/close-reason.ts'
import type { Delivery } from '../reader/delivery.ts'
import type { Bytes, Frame } from '../reader/frame.ts'
import type { Gap } from '../reader/gap.ts'
import type { Home } from '../reader/home.ts'
import { HubSubscriber } from '../reader/hub-subscriber.ts'
import { lifetime } from '../reader/lifetime.ts'
import type { Queue } from '../reader/queue.ts'
import type { Seat } from '../reader/seat.ts'
import { enqueue } from '../reader/slow.ts'
import { Upkeep } from '../reader/upkeep.ts'
import { atMost } from '../within.ts'
import { Arrivals, type Start } from './arrivals.ts'
import { Departed } from './departed.ts'
import { answer, greetingFor } from './greeting.ts'
import { Heartbeat } from './heartbeat.ts'
import { Hooks } from './hooks.ts'
import type { HubOptions } from './options.ts'
import { Roster } from './roster.ts'
import type { Shard, ShardHome } from './shard.ts'
import { Shards } from './shards.ts'
import type { Spread } from './spread.ts'

/** How long a hook may take where nobody says, in milliseconds. */
const HOOK_TIMEOUT = 30_000

/** The readers of a hub: they are brought to where its logs are, told what comes, and looked after until they leave. */
export class Readers implements Home<HubSubscriber>, ShardHome {
  readonly roster = new Roster()
  readonly shards: Shards
  readonly #options: HubOptions
  readonly #metrics: Metrics
  readonly hooks: Hooks
  readonly #arrivals: Arrivals
  readonly #upkeep: Upkeep
  readonly #departed = new Departed()

  /** `isAnew`: who has lost its place begins with the oldest event, as for a run; else it goes on from the newest. */
  constructor(spread: Spread, patience: number, options: HubOptions, metrics: Metrics, isAnew = false) {
    this.#options = options
    this.#metrics = metrics
    this.hooks = new Hooks((error) => this.report(error), options.hookTimeout ?? HOOK_TIMEOUT)
    this.shards = new Shards(spread, patience, isAnew, this)
    this.#arrivals = new Arrivals(this.shards)
    const heartbeat = new Heartbeat((subscriber) => this.shards.idAfter(subscriber), options.ping)
    this.#upkeep = new Upkeep(options.heartbeat ?? 15_000, this.roster.all, (silent, unplaced) => {
      this.shards.check()
      heartbeat.beat(silent, unplaced)
    })
  }

  // How a reader comes.

  /** Where a reader begins: where it asks to resume, or, for the first time, where it is to. */
  async begin(subscriber: HubSubscriber): Promise<Start> {
    const { lastEventId: asked, user, isNamed } = subscriber
    if (asked && isNamed) this.#followAgain(subscriber)
    return this.#arrivals.begin(subscriber, () => !isNamed && this.#departed.hasMissed(user, asked))
  }

  /** Makes a reader, whole, that is not here yet. */
  make(exchange: Exchange, asked: string, grants: Grants): HubSubscriber {
    return new HubSubscriber(this, exchange, asked, grants, this.#options, this.#options.limits?.bytesPerSecond)
  }

  /** Takes a reader in. */
  welcome(subscriber: HubSubscriber): void {
    const { maxDuration } = this.#options
    if (maxDuration) subscriber.leaves = performance.now() + lifetime(maxDuration)
    this.#metrics.count('connections_total')
    this.roster.add(subscriber)
    this.#upkeep.watch(subscriber)
  }

  /** Answers its request, and takes in a reader that begins there. */
  seat(subscriber: HubSubscriber, place: Place, start: Start, head: Record<string, string>): void {
    const greeting = answer(subscriber, start, head, this.#options, this.#metrics)
    subscriber.place = place
    this.welcome(subscriber)
    this.start(subscriber, start, greeting)
  }

  /** Brings it from where it begins to where the logs are, after what it is told first. */
  start(subscriber: HubSubscriber, start: Start, greeting = greetingFor(subscriber, start, this.#options)): void {
    const { id, gaps } = start
    const { onConnect } = this.#options
    const { lastEventId: asked } = subscriber
    subscriber.outbox.sent = asked || id
    if (greeting) subscriber.tell(greeting, asked ? undefined : id)
    if (asked && gaps.length === 0) this.#metrics.count('replays_total')
    const welcomed = this.hooks.ask('onConnect', onConnect, subscriber)
    subscriber.before = gaps.length > 0 ? this.#tellGaps(subscriber, gaps, welcomed) : welcomed
    this.#sit(subscriber.seats)
  }

  /** Tells it first what it has lost. */
  async #tellGaps(subscriber: HubSubscriber, gaps: Start['gaps'], welcomed?: Promise<void>): Promise<void> {
    await welcomed
    for (const { gap, arrive } of gaps) if (subscriber.open) await this.tellGap(subscriber, gap(), arrive)
  }

  /** From now on it is told what comes in these logs. */
  #sit(seats: ReadonlyArray<Seat | undefined>): void {
    for (const seat of seats) {
      if (!seat) continue
      const shard = this.shards.of(seat)
      shard.take(seat)
      void shard.join(seat, seat.subscriber.before)
    }
  }

  /** A connection of this name follows what it followed before, which may not have been noticed to be over. */
  #followAgain(subscriber: HubSubscriber): void {
    const topics = new Set(this.#departed.topicsOf(subscriber))
    for (const { user, view } of this.roster.clients.get(subscriber.id) ?? []) {
      if (user === subscriber.user && view.topics.changed) for (const topic of view.topics.all) topics.add(topic)
    }
    for (const topic of topics) {
      try {
        subscriber.subscribe(topic)
      } catch {
        // It is granted to it no more.
      }
    }
  }

  // What comes from the logs.

  deliver({ index }: Shard, delivery: Delivery): void {
    const { message, offset } = delivery.entry
    this.#departed.published(message)
    for (const found of this.roster.candidates(message)) {
      for (const { seats } of found) {
        const seat = seats[index]
        if (seat?.live && offset > seat.offset) seat.offer(delivery)
      }
    }
  }

  replayed(count: number): void {
    this.#metrics.count('replayed_total', count)
  }

  rested({ index }: Shard): void {
    this.#departed.missTopics((topic) => this.shards.indexFor(topic) === index)
  }

  // What a reader needs.

  overflow(subscriber: HubSubscriber, queue: Queue, frame: Frame, room: number): boolean {
    const slow = this.#options.slow ?? 'disconnect'
    const policy = typeof slow === 'string' ? slow : 'latest'
    const key =
      typeof slow === 'object' && frame.event ? this.hooks.call(slow.latest, frame.event as Delivery) : undefined
    return enqueue(policy, key, queue, frame, room, ({ event }) => {
      this.#metrics.count('dropped_total', 1, `{policy="${policy}"}`)
      this.hooks.call(this.#options.onDrop, event as Delivery, subscriber)
    })
  }

  async tellGap(subscriber: HubSubscriber, gap: Gap, arrive: () => string): Promise<void> {
    this.#metrics.count('gaps_total')
    const { onGap } = this.#options
    const event = { type: 'gap', data: gap }
    // Its place comes after what the application has to say: who is cut off before that asks again, and is told again.
    if (onGap) {
      subscriber.tell(encode(event))
      await this.hooks.ask('onGap', onGap, gap, subscriber)
    }
    const id = arrive()
    subscriber.tell(encode(onGap ? { id } : { id, ...event }), id)
  }

  wrote(subscriber: HubSubscriber, { size }: Bytes, frames: readonly Frame[], now: number): void {
    // What leaves together was published in one turn, but for a reader that was behind, whose frames leave one by one.
    const last = frames.at(-1)
    const after = last?.event && subscriber.live ? now - last.at : undefined
    this.#metrics.wrote(size, frames.length, after)
  }

  over(subscriber: HubSubscriber, reason: CloseReason): void {
    if (!this.roster.all.has(subscriber)) return
    this.roster.delete(subscriber)
    for (const seat of subscriber.seats) if (seat) this.shards.of(seat).leave(seat)
    this.#upkeep.forget(subscriber)
    this.#departed.left(subscriber)
    subscriber.place?.leave()
    this.#metrics.count('closed_total', 1, `{reason="${reason}"}`)
    this.hooks.call(this.#options.onDisconnect, subscriber, reason)
  }

  renewed(subscriber: HubSubscriber): void {
    this.#upkeep.renew(subscriber)
  }

  followed(
    subscriber: HubSubscriber,
    added: readonly string[],
    removed: readonly string[],
    prefixes?: readonly string[],
  ): void {
    this.roster.move(subscriber, added, removed, prefixes)
    if (this.shards.isOne || !this.roster.all.has(subscriber)) return
    // What it follows may be in other logs now.
    for (const seat of this.shards.seat(subscriber)) void this.#sitLater(seat)
  }

  async #sitLater(seat: Seat): Promise<void> {
    const shard = this.shards.of(seat)
    try {
      seat.moveTo(shard.feed.position ?? (await shard.ready()))
      this.#sit([seat])
    } catch (error) {
      seat.fail(error)
    }
  }

  report(error: unknown): void {
    this.#options.onError?.(error)
  }

  /** Tells all when to return, and ends them; after so many milliseconds those, too, that have not taken it. */
  async close(patience: number, retry: number): Promise<void> {
    this.#upkeep.stop()
    const all = [...this.roster.all]
    for (const subscriber of all) {
      const spread = Math.min(Math.round(retry * (1 + Math.random())), Number.MAX_SAFE_INTEGER)
      subscriber.tell(encode({ retry: spread }))
      subscriber.end('closed', false, true)
    }
    await atMost(
      patience,
      all.map(({ closed }) => closed),
    )
    for (const subscriber of all) subscriber.end('closed', true)
    this.shards.close()
  }
}
