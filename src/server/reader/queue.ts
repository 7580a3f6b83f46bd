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
  // A Map keeps the order of insertion, forgets in constant time at both ends and in the middle, and lets something else
  // take the place of what is there.
  readonly #items = new Map<unknown, Frame | Hole>()
  #newest: Frame | Hole | undefined

  get isEmpty(): boolean {
    return this.#items.size === 0
  }

  /** Adds a frame at the end; under a key, it can be taken out of turn. */
  add(frame: Frame, key: unknown = frame): void {
    this.#items.set(key, frame)
    this.#newest = frame
    this.#count(frame, 1)
  }

  /** Takes the oldest. */
  take(): Frame | Hole | undefined {
    const [oldest] = this.#items
    if (!oldest) return undefined
    const [key, item] = oldest
    this.#items.delete(key)
    if ('payload' in item) this.#count(item, -1)
    return item
  }

  /** Takes the frame under a key out of turn. */
  takeKeyed(key: unknown): Frame | undefined {
    const frame = this.#items.get(key)
    if (!frame || !('payload' in frame)) return undefined
    this.#items.delete(key)
    this.#count(frame, -1)
    return frame
  }

  /** Takes all that was sent to this reader alone, in its order. */
  takeOwn(): Frame[] {
    const own: Frame[] = []
    if (this.ownSize === 0) return own
    for (const [key, item] of this.#items) {
      if (item instanceof Hole || item.event) continue
      this.#items.delete(key)
      this.#count(item, -1)
      own.push(item)
    }
    return own
  }

  /** Leaves a hole at the end, for an event that is not taken in. */
  lose(id: string): void {
    if (this.#newest instanceof Hole && this.#items.has(this.#newest)) this.#newest.newest = id
    else {
      this.#newest = new Hole(id)
      this.#items.set(this.#newest, this.#newest)
    }
  }

  /** Drops the oldest published event and leaves a hole in its place. Nothing where there is none. */
  dropOldest(): Frame | undefined {
    let before: Hole | undefined
    for (const [key, item] of this.#items) {
      if (item instanceof Hole) before = item
      else if (!item.event) before = undefined
      else {
        this.#count(item, -1)
        if (before) {
          before.newest = item.event.id
          this.#items.delete(key)
        } else this.#items.set(key, new Hole(item.event.id))
        return item
      }
    }
    return undefined
  }

  #count({ payload, event }: Frame, sign: 1 | -1): void {
    this.size += sign * payload.length
    if (!event) this.ownSize += sign * payload.length
  }
}
