import type { Position } from '../../log/log.ts'
import type { Gap, GapReason } from '../reader/gap.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import type { Seat } from '../reader/seat.ts'
import { firstPositions } from './first.ts'
import { inLife } from './places.ts'
import { gapOf, type Loss } from './replay.ts'
import type { Shards } from './shards.ts'

/** Where a reader begins. */
export interface Start {
  /** The id before the first event that will come. */
  readonly id: string
  /** Told with that id, in place of what is before it. */
  readonly snapshot?: { readonly type: string; readonly data: unknown }
  /** What it has missed and cannot be given, told to it first. */
  readonly gaps: readonly Lost[]
}

interface Lost {
  /** What it is told: its places are those of the moment. */
  gap(): Gap
  /** Puts the reader behind it; answers with the id that it has then. */
  arrive(): string
}

/** Finds where readers begin: where they ask to resume, or, for the first time, where they are to. */
export class Arrivals {
  readonly #shards: Shards

  constructor(shards: Shards) {
    this.#shards = shards
  }

  /** `hasMissed` says whether something for it alone has passed it by. */
  async begin(subscriber: HubSubscriber, hasMissed: () => boolean): Promise<Start> {
    const seats = this.#shards.seat(subscriber)
    await Promise.all(seats.map((seat) => this.#shards.of(seat).ready()))
    const { lastEventId: asked } = subscriber
    if (!asked) return this.#first(subscriber, seats)
    if (hasMissed()) return this.#lostAll(subscriber, seats, 'client')
    const losses = this.#shards.isOne ? await this.#find(asked, seats) : await this.#resume(asked, seats)
    if (!losses) return this.#lostAll(subscriber, seats, 'unknown')
    if (losses.length === 0) return { id: asked, gaps: [] }
    const places = new Map(losses.map(({ seat, position }) => [seat.index, position]))
    return { id: this.#shards.idAfter(subscriber, places), gaps: losses.map((loss) => toldOf(loss, asked)) }
  }

  async #first(subscriber: HubSubscriber, seats: readonly Seat[]): Promise<Start> {
    const feeds = seats.map((seat) => this.#shards.of(seat).feed)
    const positions = await firstPositions(feeds, subscriber)
    for (const [at, seat] of seats.entries()) seat.moveTo(positions[at] as Position)
    return { id: this.#shards.idAfter(subscriber), gaps: [] }
  }

  async #find(asked: string, seats: readonly Seat[]): Promise<Loss[]> {
    const losses = await Promise.all(seats.map((seat) => this.#shards.of(seat).replay.find(asked, seat)))
    return losses.filter((loss) => loss !== undefined)
  }

  /** Each log by itself; nothing where the id is none of these logs'. */
  async #resume(asked: string, seats: readonly Seat[]): Promise<Loss[] | undefined> {
    const places = this.#shards.split(asked)
    if (!places) return undefined
    const losses = await Promise.all(
      seats.map((seat) => {
        const { feed, replay } = this.#shards.of(seat)
        const now = feed.position as Position
        const had = places.get(seat.index)
        seat.moveTo(had ? inLife(had, now.epoch) : now)
        // What it did not follow then begins now.
        return had && replay.resume({ epoch: seat.epoch, offset: seat.offset }, seat)
      }),
    )
    return losses.filter((loss) => loss !== undefined)
  }

  /** One gap for all that it follows. */
  async #lostAll(subscriber: HubSubscriber, seats: readonly Seat[], why: GapReason): Promise<Start> {
    const losses = await Promise.all(seats.map((seat) => this.#shards.of(seat).replay.lost(undefined, seat, why)))
    for (const { seat, position } of losses) seat.moveTo(position)
    const id = this.#shards.idAfter(subscriber)
    const oldest = new Map(losses.map((loss) => [loss.seat.index, loss.oldest]))
    const gap = {
      reason: why,
      asked: subscriber.lastEventId,
      oldest: this.#shards.idAfter(subscriber, oldest),
      newest: id,
    }
    return { id, gaps: [{ gap: () => gap, arrive: () => id }] }
  }
}

function toldOf(loss: Loss, asked: string): Lost {
  const { seat, position } = loss
  return {
    gap: () => gapOf(loss, asked),
    arrive() {
      const id = seat.idAt(position)
      seat.moveTo(position)
      return id
    },
  }
}
