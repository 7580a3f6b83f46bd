import { LONGEST, unref } from '../../log/timer.ts'
import { Heap } from './heap.ts'
import type { HubSubscriber } from './hub-subscriber.ts'

/** The longest time between two looks at what ends by the wall clock, in milliseconds: clocks are set, machines sleep. */
const LOOK = 10_000

/** One timer for all readers: it keeps the silent ones alive, tells those their place who have long heard of none, and ends those whose time is over. */
export class Upkeep {
  readonly #heartbeat: number
  readonly #readers: ReadonlySet<HubSubscriber>
  readonly #beat: (silent: HubSubscriber[], unplaced: HubSubscriber[]) => void
  /** Those whose time ends, by the clock of `performance.now()`. */
  readonly #ends = new Heap<HubSubscriber>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #due = Number.POSITIVE_INFINITY
  #beatAt = Number.POSITIVE_INFINITY
  /** How far the clocks are apart. */
  #drift = 0

  /** `heartbeat` in milliseconds, 0 for none. */
  constructor(
    heartbeat: number,
    readers: ReadonlySet<HubSubscriber>,
    beat: (silent: HubSubscriber[], unplaced: HubSubscriber[]) => void,
  ) {
    this.#heartbeat = heartbeat > 0 ? heartbeat : Number.POSITIVE_INFINITY
    this.#readers = readers
    this.#beat = beat
  }

  /** Looks after a reader from now on. */
  watch(reader: HubSubscriber): void {
    this.renew(reader)
    this.#beatAt = Math.min(this.#beatAt, reader.outbox.writtenAt + this.#heartbeat)
    this.#wake(this.#beatAt)
  }

  /** Its time ends at another moment. */
  renew(reader: HubSubscriber): void {
    this.#ends.delete(reader)
    const end = endOf(reader)
    if (end === Number.POSITIVE_INFINITY) return
    this.#ends.add(reader, end)
    this.#wake(Math.min(end, performance.now() + LOOK))
  }

  forget(reader: HubSubscriber): void {
    this.#ends.delete(reader)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#due = Number.POSITIVE_INFINITY
  }

  #wake(at: number): void {
    if (at >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = at
    this.#timer = unref(setTimeout(() => this.#look(), Math.min(Math.max(1, at - performance.now()), LONGEST)))
  }

  #look(): void {
    this.#due = Number.POSITIVE_INFINITY
    const now = performance.now()
    this.#endThoseWhoseTimeIsOver(now)
    if (now >= this.#beatAt) this.#keepAlive(now)
    const end = this.#ends.first
    this.#wake(Math.min(this.#beatAt, end === undefined ? Number.POSITIVE_INFINITY : Math.min(end, now + LOOK)))
  }

  #endThoseWhoseTimeIsOver(now: number): void {
    const drift = Date.now() - now
    // The wall clock was set: all that was reckoned by it is reckoned anew.
    if (Math.abs(drift - this.#drift) > 1000) this.#ends.rebuild(endOf)
    this.#drift = drift
    for (let reader = this.#ends.takeUntil(now); reader; reader = this.#ends.takeUntil(now)) {
      // What waits for a reader whose grant is over is not its to have any more.
      if (reader.expires <= Date.now()) reader.expire()
      else if (reader.leaves <= now) reader.end('expired')
      else this.#ends.add(reader, endOf(reader))
    }
  }

  #keepAlive(now: number): void {
    const silent: HubSubscriber[] = []
    const unplaced: HubSubscriber[] = []
    let next = Number.POSITIVE_INFINITY
    for (const reader of this.#readers) {
      const { isBehind, writtenAt, placedAt } = reader.outbox
      // A tenth early, so that those that fell silent one after the other are dealt with in one go.
      const early = now - this.#heartbeat * 0.9
      // A reader that is behind needs no heartbeat.
      if (!isBehind && writtenAt <= early) silent.push(reader)
      else if (!isBehind && placedAt <= early) unplaced.push(reader)
      else next = Math.min(next, (isBehind ? now : Math.min(writtenAt, placedAt)) + this.#heartbeat)
    }
    if (silent.length > 0 || unplaced.length > 0) next = Math.min(next, now + this.#heartbeat)
    this.#beatAt = next
    if (silent.length > 0 || unplaced.length > 0) this.#beat(silent, unplaced)
  }
}

function endOf({ expires, leaves }: HubSubscriber): number {
  return Math.min(leaves, expires - Date.now() + performance.now())
}
