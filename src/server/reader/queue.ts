import type { Frame } from './frame.ts'

/** Where published events were dropped: it stands in the queue in their place, until the reader is told. */
export class Hole {
  /** The first event that is lost here. */
  readonly oldest: string
  /** The last one. */
  newest: string

  constructor(id: string) {
    this.oldest = id
    this.newest = id
  }
}

/** What waits for a reader that is behind, oldest first. */
export class Queue {
  /** How many bytes wait. */
  size = 0
  /** How many of them are of what was sent to this reader alone. */
  ownSize = 0
  // By a number of its own: a Map keeps the order of insertion, forgets in constant time at both ends and in the middle, and
  // lets a hole take the place of a frame. One frame may wait twice.
  readonly #items = new Map<number, Frame | Hole>()
  #next = 0
  /** Where the frame is that a newer one of its key replaces. */
  readonly #places = new Map<unknown, number>()
  readonly #keys = new Map<number, unknown>()
  #newest: Frame | Hole | undefined

  get isEmpty(): boolean {
    return this.#items.size === 0
  }

  /** Adds a frame at the end; under a key, it can be taken out of turn. */
  add(frame: Frame, key?: unknown): void {
    if (key !== undefined) {
      this.#places.set(key, this.#next)
      this.#keys.set(this.#next, key)
    }
    this.#put(frame)
    this.#count(frame, 1)
  }

  /** Takes the oldest. */
  take(): Frame | Hole | undefined {
    const [oldest] = this.#items
    if (!oldest) return undefined
    const [place, item] = oldest
    this.#delete(place)
    if (!(item instanceof Hole)) this.#count(item, -1)
    return item
  }

  /** Takes the newest frame of a key out of turn. */
  takeKeyed(key: unknown): Frame | undefined {
    const place = this.#places.get(key)
    if (place === undefined) return undefined
    const frame = this.#items.get(place) as Frame
    this.#delete(place)
    this.#count(frame, -1)
    return frame
  }

  /** Takes all that was sent to this reader alone, in its order; but not a place in the log, which is that of what is before it. */
  takeOwn(): Frame[] {
    const own: Frame[] = []
    if (this.ownSize === 0) return own
    for (const [place, item] of this.#items) {
      if (item instanceof Hole || item.event || item.id !== undefined) continue
      this.#delete(place)
      this.#count(item, -1)
      own.push(item)
    }
    return own
  }

  /** Leaves a hole at the end, for an event that is not taken in. */
  lose(id: string): void {
    if (this.#newest instanceof Hole && !this.isEmpty) this.#newest.newest = id
    else this.#put(new Hole(id))
  }

  /** Drops the oldest published event and leaves a hole in its place. Nothing where there is none. */
  dropOldest(): Frame | undefined {
    let before: Hole | undefined
    for (const [place, item] of this.#items) {
      if (item instanceof Hole) before = item
      else if (!item.event) before = undefined
      else {
        this.#count(item, -1)
        if (before) {
          before.newest = idOf(item)
          this.#delete(place)
        } else {
          const hole = new Hole(idOf(item))
          this.#items.set(place, hole)
          this.#forgetKey(place)
          if (item === this.#newest) this.#newest = hole
        }
        return item
      }
    }
    return undefined
  }

  #put(item: Frame | Hole): void {
    this.#items.set(this.#next++, item)
    this.#newest = item
  }

  #delete(place: number): void {
    this.#items.delete(place)
    this.#forgetKey(place)
  }

  #forgetKey(place: number): void {
    const key = this.#keys.get(place)
    if (key === undefined) return
    this.#keys.delete(place)
    if (this.#places.get(key) === place) this.#places.delete(key)
  }

  #count({ size, event }: Frame, sign: 1 | -1): void {
    this.size += sign * size
    if (!event) this.ownSize += sign * size
  }
}

// The frame's own: to a reader of several logs it is not the event's.
function idOf({ id, event }: Frame): string {
  return id ?? event?.id ?? ''
}
