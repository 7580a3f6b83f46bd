import type { Position } from '../../log/log.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import type { Seat, Sitter } from '../reader/seat.ts'
import { type Naming, Shard, type ShardHome } from './shard.ts'
import type { Spread } from './spread.ts'

/** The logs of a hub, each with its readers; and what a reader's places in them are called together. */
export class Shards implements Naming {
  readonly all: readonly Shard[]
  readonly patience: number
  readonly isAnew: boolean
  readonly #spread: Spread
  readonly #home: ShardHome

  /** `patience` is how long a log may take to answer, in milliseconds; `isAnew` whether a reader that has lost its place begins with the oldest. */
  constructor(spread: Spread, patience: number, isAnew: boolean, home: ShardHome) {
    this.isAnew = isAnew
    this.#spread = spread
    this.patience = patience
    this.#home = home
    this.all = spread.logs.map((log, index) => new Shard(log, index, this, home))
  }

  get isOne(): boolean {
    return this.#spread.isOne
  }

  /** Seats a reader at the logs that it follows now; answers with the seats that are new. */
  seat(subscriber: HubSubscriber): Seat[] {
    const { seats, view } = subscriber
    const wanted = this.#spread.indexesOf(view.topics)
    const added: Seat[] = []
    for (const index of wanted) {
      if (seats[index]) continue
      const seat = this.of({ index }).seatOf(subscriber)
      seats[index] = seat
      added.push(seat)
    }
    seats.forEach((seat, index) => {
      if (!seat || wanted.includes(index)) return
      seat.left = true
      seats[index] = undefined
      this.of(seat).leave(seat)
    })
    return added
  }

  of({ index }: Pick<Seat, 'index'>): Shard {
    return this.all[index] as Shard
  }

  /** Which log a topic is in. */
  indexFor(topic: string): number {
    return this.#spread.indexFor([topic])
  }

  /** Where all that was told is, once the first reader came. */
  get newest(): string | undefined {
    const places = new Map<number, Position>()
    for (const { index, feed } of this.all) if (feed.position) places.set(index, feed.position)
    return places.size > 0 ? this.#nameOf(places) : undefined
  }

  /** Asks logs that may have lost a delivery on the way whether they are ahead. */
  check(): void {
    for (const { feed } of this.all) feed.check().catch((error) => this.#home.report(error))
  }

  close(): void {
    for (const shard of this.all) shard.close()
  }

  /** The places that an id names; nothing where it is none of these logs'. */
  split(id: string): Map<number, Position> | undefined {
    return this.#spread.split(id)
  }

  // What places are called.

  idOf(shard: Shard, position: Position): string {
    return this.#spread.idOf(shard.index, position)
  }

  /** Of a reader that is there in one log. */
  idAt(seat: Seat, position: Position): string {
    return this.idAfter(seat.subscriber, new Map([[seat.index, position]]))
  }

  /** Of a reader that has had all that it was given, or is elsewhere in some logs. */
  idAfter({ seats }: Pick<Sitter, 'seats'>, elsewhere?: ReadonlyMap<number, Position>): string {
    const places = new Map<number, Position>()
    for (const seat of seats) {
      if (!seat) continue
      const place = elsewhere?.get(seat.index) ?? this.#placeOf(seat)
      // One that was added a moment ago is nowhere yet.
      if (place.epoch) places.set(seat.index, place)
    }
    return this.#nameOf(places)
  }

  #placeOf(seat: Seat): Position {
    const { position } = this.of(seat).feed
    if (!seat.live || !position || seat.offset > position.offset) return seat
    return position
  }

  #nameOf(places: ReadonlyMap<number, Position>): string {
    return this.isOne ? this.#spread.idOf(0, places.get(0) as Position) : this.#spread.join(places)
  }
}
