import type { Delivery } from '../reader/delivery.ts'

/** How many entries are read from the log at a time, and how much text of them is kept together. */
export const PAGE = 256
export const PAGE_TEXT = 2 ** 18
/** How much of what was delivered last is at hand without asking the log: so much text, so many entries. */
const RECENT_TEXT = 2 ** 20
const RECENT = 1024

/** Consecutive entries, ready for any number of readers. */
export interface DeliveryPage {
  /** The offset before its first entry: it holds all after it that there are, up to `end`. */
  readonly start: number
  readonly end: number
  readonly deliveries: readonly Delivery[]
  readonly text: number
}

/** What was delivered last, encoded already: most who return were away for a moment. */
export class Recent {
  #deliveries: Delivery[] = []
  /** The offset before the first of them. */
  #start = Number.POSITIVE_INFINITY
  #text = 0

  add(delivery: Delivery): void {
    const { offset } = delivery.entry
    if (this.#deliveries[this.#deliveries.length - 1]?.entry.offset !== offset - 1) {
      this.clear()
      this.#start = offset - 1
    }
    this.#deliveries.push(delivery)
    this.#text += textOf(delivery)
    // In large pieces, since moving the rest costs as much each time.
    if (this.#deliveries.length >= 2 * RECENT || this.#text >= 2 * RECENT_TEXT) this.#trim()
  }

  /** Those after an offset, if all of them are here. */
  after(offset: number): DeliveryPage | undefined {
    if (offset < this.#start || offset >= this.#start + this.#deliveries.length) return undefined
    const from = offset - this.#start
    let to = from
    let text = 0
    for (; to < this.#deliveries.length && to - from < PAGE && text < PAGE_TEXT; to++) {
      text += textOf(this.#deliveries[to] as Delivery)
    }
    return { start: offset, end: this.#start + to, deliveries: this.#deliveries.slice(from, to), text }
  }

  clear(): void {
    this.#deliveries = []
    this.#text = 0
    this.#start = Number.POSITIVE_INFINITY
  }

  #trim(): void {
    let text = 0
    let first = this.#deliveries.length
    while (first > 0 && this.#deliveries.length - first < RECENT && text < RECENT_TEXT) {
      text += textOf(this.#deliveries[--first] as Delivery)
    }
    this.#start += first
    this.#deliveries = this.#deliveries.slice(first)
    this.#text = text
  }
}

/** About how much a delivery holds. */
export function textOf({ entry }: Delivery): number {
  return entry.message.frame.length + 64
}
