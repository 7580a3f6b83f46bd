import type { Log, Position } from '../../log/log.ts'
import { startTimer, type Timer } from '../../log/timer.ts'
import type { Delivery } from '../reader/delivery.ts'
import type { Frame } from '../reader/frame.ts'
import { Seat, type SeatHome, type Sitter } from '../reader/seat.ts'
import { Feed, type FeedHome } from './feed.ts'
import { Replay } from './replay.ts'

/** How long one of several logs is followed after its last reader has left, in milliseconds: many only reload. */
const LINGER = 60_000

/** What a log needs to know of all logs of its hub. */
export interface Naming {
  /** How long a log may take to answer, in milliseconds. */
  readonly patience: number
  /** Whether it is the only one. */
  readonly isOne: boolean
  /** Whether a reader that has lost its place begins with the oldest. */
  readonly isAnew: boolean
  idOf(shard: Shard, position: Position): string
  idAt(seat: Seat, position: Position): string
  idAfter(subscriber: Sitter): string
}

/** Whom a log tells. */
export interface ShardHome {
  deliver(shard: Shard, delivery: Delivery): void
  replayed(count: number): void
  /** It is followed no more. */
  rested(shard: Shard): void
  report(error: unknown): void
}

/** One log of a hub, and its readers' seats: followed from its first reader on. */
export class Shard implements FeedHome, SeatHome {
  readonly log: Log
  readonly index: number
  readonly seats = new Set<Seat>()
  feed: Feed
  replay: Replay
  readonly #names: Naming
  readonly #home: ShardHome
  #rest: Timer | undefined
  #isOver = false

  constructor(log: Log, index: number, names: Naming, home: ShardHome) {
    this.log = log
    this.index = index
    this.#names = names
    this.#home = home
    this.feed = this.#newFeed()
    this.replay = this.#newReplay()
  }

  /** A reader's seat here; taken when its start is known. */
  seatOf(subscriber: Sitter): Seat {
    return new Seat(subscriber, this.index, this)
  }

  /** Follows the log; answers with where that began. */
  ready(): Promise<Position> {
    this.#wait()
    return this.feed.ready()
  }

  /** From now on the log's readers are told of, too. */
  take(seat: Seat): void {
    if (!seat.open) return
    this.seats.add(seat)
    this.#rest?.stop()
  }

  /** Brings a reader from where it is to where the log is, after what it has to be given before. */
  async join(seat: Seat, before?: Promise<unknown>): Promise<void> {
    await this.replay.join(seat, before)
    if (this.#isOver && seat.live) seat.subscriber.end('closed')
  }

  leave(seat: Seat): void {
    seat.live = false
    if (this.seats.delete(seat)) this.#wait()
  }

  close(): void {
    this.#rest?.stop()
    this.feed.close()
  }

  // What the log tells of.

  deliver(delivery: Delivery): void {
    this.#home.deliver(this, delivery)
  }

  moved(before: Position): void {
    for (const seat of this.seats) {
      if (!seat.live) continue
      // It was brought to where the feed was, or further; the log says whether anything is missing since then.
      const offset = seat.epoch === before.epoch ? Math.max(before.offset, seat.offset) : before.offset
      seat.moveTo({ epoch: before.epoch, offset })
      void this.join(seat)
    }
  }

  /** Nothing more will come: who has all of it is done, and the others will be. */
  ended(): void {
    this.#isOver = true
    for (const seat of this.seats) if (seat.live) seat.subscriber.end('closed')
  }

  report(error: unknown): void {
    this.#home.report(error)
  }

  // What a seat asks.

  get isSame(): boolean {
    return this.#names.isOne
  }

  idAt(seat: Seat, position: Position): string {
    return this.#names.idAt(seat, position)
  }

  frameOf({ subscriber }: Seat, delivery: Delivery): Frame {
    return delivery.frameAs(this.#names.idAfter(subscriber))
  }

  /** Stops following a log that nobody reads here. The first is everybody's. */
  #wait(): void {
    if (this.index === 0 || this.seats.size > 0) return
    this.#rest?.stop()
    this.#rest = startTimer(LINGER, () => {
      this.#rest?.stop()
      if (this.seats.size > 0) return
      this.feed.close()
      this.feed = this.#newFeed()
      this.replay = this.#newReplay()
      this.#home.rested(this)
    })
  }

  #newFeed(): Feed {
    return new Feed(this.log, this.#names.patience, (position) => this.#names.idOf(this, position), this)
  }

  #newReplay(): Replay {
    const { patience, isAnew } = this.#names
    return new Replay(this.feed, patience, isAnew, (count) => this.#home.replayed(count))
  }
}
