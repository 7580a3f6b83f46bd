import type { Interest, Position } from '../../log/log.ts'
import type { CloseReason } from './close-reason.ts'
import { MAX_QUEUED, type QueueOptions } from './connection.ts'
import type { Delivery, Piece } from './delivery.ts'
import type { Frame } from './frame.ts'
import type { Gap } from './gap.ts'
import type { Outbox } from './outbox.ts'
import type { View } from './view.ts'

/** How many bytes of a replay are written at a time. */
const SLICE = 131_072

/** Whose seat it is. */
export interface Sitter {
  readonly id: string
  readonly user: string | undefined
  readonly open: boolean
  readonly reason: CloseReason | undefined
  readonly queued: number
  readonly options: QueueOptions
  readonly view: View
  readonly outbox: Outbox
  /** Its places in the logs that it follows, each under its log's number. */
  readonly seats: ReadonlyArray<Seat | undefined>
  /** What it is to be given before anything that was published. */
  readonly before: Promise<unknown> | undefined
  sees(delivery: Delivery): boolean
  tellGap(gap: Gap, arrive: () => string): Promise<void>
  end(reason: CloseReason): void
  fail(error: unknown): void
}

/** What a seat needs of whoever serves its log. */
export interface SeatHome {
  /** Whether all readers are sent the same for an event. */
  readonly isSame: boolean
  /** The id that a reader has whose place in this log is there. */
  idAt(seat: Seat, position: Position): string
  /** What is sent of an event to a reader that is there. */
  frameOf(seat: Seat, delivery: Delivery): Frame
}

/** One reader at one log: where in it the reader is, and how it gets what comes next. */
export class Seat {
  readonly subscriber: Sitter
  /** Which log it is. */
  readonly index: number
  readonly #home: SeatHome
  /** Everything up to here was written, or is not for it. Once `live`, the hub's place is its own. */
  epoch = ''
  offset = 0
  live = false
  /** Whether it follows nothing there any more. */
  left = false

  constructor(subscriber: Sitter, index: number, home: SeatHome) {
    this.subscriber = subscriber
    this.index = index
    this.#home = home
  }

  get open(): boolean {
    return !this.left && this.subscriber.open
  }

  /** What it may be given, as a log asks for it. */
  get interest(): Interest {
    const { view, user, id } = this.subscriber
    return { topics: view.topics.all, prefixes: view.topics.prefixes, user, client: id }
  }

  /** How much may be written before it is asked whether it takes more. */
  get pace(): number {
    return Math.min(SLICE, (this.subscriber.options.maxQueued ?? MAX_QUEUED) / 2)
  }

  get queued(): number {
    return this.subscriber.queued
  }

  /** Whether what carries its bytes takes no more for now. */
  get isBehind(): boolean {
    return this.subscriber.outbox.isBehind
  }

  /** A promise while it is behind. */
  room(): Promise<void> | undefined {
    return this.subscriber.outbox.room()
  }

  /** Is there from now on. */
  moveTo({ epoch, offset }: Position): void {
    this.epoch = epoch
    this.offset = offset
  }

  /** The id that its reader has where its place is there. */
  idAt(position: Position): string {
    return this.#home.idAt(this, position)
  }

  /** Sends a delivery if its reader may see it, and takes its place in the log either way. */
  offer(delivery: Delivery): void {
    const { subscriber } = this
    this.offset = delivery.entry.offset
    if (subscriber.reason || !subscriber.sees(delivery)) return
    subscriber.outbox.push(this.#home.isSame ? delivery.frame : this.#home.frameOf(this, delivery))
  }

  /** Sends consecutive deliveries as one, if its reader sees all of them; false where they have to be looked at one by one. */
  offerAll(piece: Piece): boolean {
    const { subscriber } = this
    if (!this.#home.isSame || !piece.isForAll || subscriber.view.hasFilter) return false
    this.offset = (piece.deliveries.at(-1) as Delivery).entry.offset
    if (subscriber.reason) return true
    // By itself: joined with others it would be made anew for each reader.
    subscriber.outbox.flush()
    subscriber.outbox.push(piece.frame)
    subscriber.outbox.flush()
    return true
  }

  /** Tells its reader of a gap, after which it is at that position; resolves when it may go on. */
  tellGap(gap: Gap, position: Position): Promise<void> {
    return this.subscriber.tellGap(gap, () => {
      const id = this.idAt(position)
      this.moveTo(position)
      return id
    })
  }

  fail(error: unknown): void {
    this.subscriber.fail(error)
  }
}
