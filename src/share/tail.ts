import type { Asked, Entry, Place } from './entry.ts'

/** The newest of what came, in each tab: for its own slow readers, for tabs that lack some of it, and for the next leader. */
export class Tail {
  readonly #most: number
  readonly #longest: number
  /** By their number, the oldest first. */
  readonly #entries = new Map<number, Entry>()
  #size = 0
  /** What is before the oldest. */
  #base: Place = { at: 0, id: '' }
  #last: Place = this.#base

  constructor(most: number, longest: number) {
    this.#most = most
    this.#longest = longest
  }

  get base(): Place {
    return this.#base
  }
  /** The newest place: ids come without events, too. */
  get last(): Place {
    return this.#last
  }

  get(at: number): Entry | undefined {
    return this.#entries.get(at)
  }

  push(entry: Entry): void {
    this.#entries.set(entry.at, entry)
    this.#last = entry
    this.#size += sizeOf(entry)
    for (const oldest of this.#entries.values()) {
      const isFull = this.#entries.size > this.#most || this.#size > this.#longest
      // The newest is always there: it has not been given yet.
      if (!isFull || oldest === entry) break
      this.#base = oldest
      this.#drop(oldest)
    }
  }

  /** The same place has another id by now. */
  move(id: string): void {
    if (id !== this.#last.id) this.#last = { at: this.#last.at, id }
  }

  /** Begins anew at a place. */
  reset({ at, id }: Place): void {
    this.#entries.clear()
    this.#size = 0
    this.#base = this.#last = { at, id }
  }

  /** Takes away what is after a place that it knows. */
  cut(place: Place): void {
    for (const entry of this.after(place.at)) this.#drop(entry)
    this.#last = place
  }

  /** The number of a place here; nothing where it is not kept. Those who count alike are known by their number, all others by the id. */
  find(at: number | undefined, id: string): number | undefined {
    const here = [this.#base, this.#last, at === undefined ? undefined : this.#entries.get(at)]
    if (here.some((place) => place?.at === at && place?.id === id)) return at
    // The first with this id, because a server would go on after that one.
    if (id)
      for (const place of [this.#base, ...this.#entries.values(), this.#last]) if (place.id === id) return place.at
    return undefined
  }

  /** What somebody lacks who stands there, all of it where nothing was seen; nothing where that is not kept. */
  since({ at, id }: Asked, isWhole: boolean): Entry[] | undefined {
    const isFresh = at === undefined && !id
    if (isFresh && !isWhole) return []
    const found = isFresh ? this.find(0, '') : this.find(at, id)
    return found === undefined ? undefined : this.after(found)
  }

  after(at: number): Entry[] {
    const entries: Entry[] = []
    for (let next = at + 1; next <= this.#last.at; next++) {
      const entry = this.#entries.get(next)
      if (entry) entries.push(entry)
    }
    return entries
  }

  #drop(entry: Entry) {
    this.#entries.delete(entry.at)
    this.#size -= sizeOf(entry)
  }
}

/** In UTF-16 units, with something for the rest. */
const sizeOf = ({ event, id }: Entry): number => (event ? event.data.length + event.type.length : 0) + id.length + 64
