import type { Entry, Message, Position } from './log.ts'
import { Kept, Retention } from './retention.ts'
import { search } from './search.ts'
import { ENTRIES, Shelf, TEXT } from './shelf.ts'

/** Keeps the newest entries, and lets the oldest go first. */
export class Newest extends Retention {
  /** The older ones, oldest first. */
  readonly #shelves: Shelf[] = []
  /** The newest ones, which are asked for most. */
  #tail: Kept[] = []
  #tailText = 0
  #length = 0

  add({ epoch, offset }: Position, message: Message): Entry {
    const entry = new Kept(epoch, offset, message)
    // One that is larger than all may be does not push the others out for it.
    if (entry.size > this.bytes) this.lost(entry)
    else {
      this.#tail.push(entry)
      this.#tailText += message.frame.length
      this.#length++
      this.size += entry.size
      this.trim()
      // As much again stays as it is: what was just published is at hand.
      if (this.#tail.length >= 2 * ENTRIES || this.#tailText >= 2 * TEXT) this.#shelve()
    }
    return entry
  }

  trim(): void {
    const { past } = this
    while (this.#length > this.count || this.size > this.bytes || this.#oldestAt < past) {
      if (!this.dropOldest()) break
    }
  }

  dropOldest(): boolean {
    if (this.#length === 0) return false
    this.#length--
    const shelf = this.#shelves[0]
    if (shelf) {
      const { size } = shelf
      const entry = shelf.dropOldest()
      this.size -= size - shelf.size
      if (shelf.length === 0) this.#shelves.shift()
      this.lost(entry)
    } else {
      const entry = this.#tail.shift() as Kept
      this.#tailText -= entry.message.frame.length
      this.size -= entry.size
      this.lost(entry)
    }
    return true
  }

  get oldest(): number | undefined {
    return this.#shelves[0]?.oldest ?? this.#tail[0]?.offset
  }

  after(offset: number, limit: number): Entry[] {
    const found: Entry[] = []
    for (let at = this.#shelfAfter(offset); at < this.#shelves.length && found.length < limit; at++) {
      this.#shelves[at]?.collect(offset, found, limit)
    }
    for (let at = this.#tailAfter(offset); at < this.#tail.length && found.length < limit; at++) {
      found.push(this.#tail[at] as Kept)
    }
    return found
  }

  get #oldestAt(): number {
    return this.#shelves[0]?.at ?? this.#tail[0]?.at ?? Number.POSITIVE_INFINITY
  }

  /** Puts the oldest of the tail on a shelf: without a hole, where one was too large. */
  #shelve(): void {
    const tail = this.#tail
    let [count, text, before] = [0, 0, 0]
    for (; count < ENTRIES && text < TEXT; count++) {
      const { offset, message, size } = tail[count] as Kept
      if (count > 0 && offset !== (tail[count - 1] as Kept).offset + 1) break
      text += message.frame.length
      before += size
    }
    const shelf = new Shelf(tail.slice(0, count))
    this.#shelves.push(shelf)
    this.#tail = tail.slice(count)
    this.#tailText -= text
    this.size += shelf.size - before
  }

  /** The first shelf that has something after an offset. */
  #shelfAfter(offset: number): number {
    return search(this.#shelves.length, (at) => (this.#shelves[at] as Shelf).newest > offset)
  }

  #tailAfter(offset: number): number {
    return search(this.#tail.length, (at) => (this.#tail[at] as Kept).offset > offset)
  }
}
