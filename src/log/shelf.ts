import type { Entry } from './log.ts'
import { type Facts, ID, type Kept, sizeOfFacts, sizeOfText } from './retention.ts'

/** How many entries are put on one shelf, and how much text, unless the first has more. */
export const ENTRIES = 256
export const TEXT = 65_536
/** What an entry costs there beside its text, and a shelf by itself, in bytes, as measured. */
const OVERHEAD = 13
const SHELF = 800
/** Consecutive entries that are not the newest any more: their texts are one string, and what they have in common is kept once. */
export class Shelf {
  readonly #epoch: string
  readonly #first: number
  readonly #text: string
  /** Where each one's text ends. */
  readonly #ends: Uint32Array
  readonly #times: Float64Array
  readonly #facts: Facts[] = []
  readonly #factsOf: Uint8Array
  /** Only where some have one. */
  #ids: ReadonlyArray<string | undefined> | undefined
  readonly #size: number
  /** How many of the oldest are gone. */
  #gone = 0

  /** At most `ENTRIES`, each with the offset after the one before. */
  constructor(entries: readonly Kept[]) {
    const { epoch, offset } = entries[0] as Kept
    const { length } = entries
    this.#epoch = epoch
    this.#first = offset
    this.#ends = new Uint32Array(length)
    this.#times = new Float64Array(length)
    this.#factsOf = new Uint8Array(length)
    const placeOf = collectInto(this.#facts)
    let text = ''
    for (let index = 0; index < length; index++) {
      const { at, message } = entries[index] as Kept
      text += message.frame
      this.#ends[index] = text.length
      this.#times[index] = at
      this.#factsOf[index] = placeOf(message)
      if (message.id !== undefined) this.#ids ??= entries.map((entry) => entry.message.id)
    }
    this.#text = text
    this.#size = this.#cost()
  }

  get length(): number {
    return this.#ends.length - this.#gone
  }

  /** The offsets of the oldest that is there, and of the newest. */
  get oldest(): number {
    return this.#first + this.#gone
  }

  get newest(): number {
    return this.#first + this.#ends.length - 1
  }

  /** When the oldest was appended. */
  get at(): number {
    return this.#times[this.#gone] as number
  }

  /** What it costs, in bytes: each of its entries the same, so that a shelf is paid for until all are gone. */
  get size(): number {
    return this.#size - Math.floor((this.#size * this.#gone) / this.#ends.length)
  }

  dropOldest(): Entry {
    return this.#entry(this.#gone++)
  }

  /** Adds entries after an offset to a list, until that is so long. */
  collect(after: number, list: Entry[], limit: number): void {
    for (let at = Math.max(this.#gone, after + 1 - this.#first); at < this.#ends.length && list.length < limit; at++) {
      list.push(this.#entry(at))
    }
  }

  // Field by field: with a spread it costs ten times as much.
  #entry(at: number): Entry {
    const { type, json, topics, user, client, except, where } = this.#facts[this.#factsOf[at] as number] as Facts
    const frame = this.#text.slice(at === 0 ? 0 : this.#ends[at - 1], this.#ends[at])
    const message = { frame, type, json, id: this.#ids?.[at], topics, user, client, except, where }
    return { epoch: this.#epoch, offset: this.#first + at, at: this.#times[at] as number, message }
  }

  #cost(): number {
    let size = SHELF + sizeOfText(this.#text) + OVERHEAD * this.#ends.length
    for (const facts of this.#facts) size += ID + sizeOfFacts(facts)
    for (const id of this.#ids ?? []) size += 8 + (id === undefined ? 0 : ID + id.length)
    return size
  }
}

/** Puts facts in a list unless they are there; answers with their place. Looks where the last ones of the same addressee are. */
function collectInto(all: Facts[]): (facts: Facts) => number {
  const places = new Map<string, number>()
  let last = -1
  return (facts) => {
    if (last >= 0 && isSame(all[last] as Facts, facts)) return last
    const key = facts.topics?.[0] ?? facts.user ?? facts.client ?? ''
    last = places.get(key) ?? -1
    if (last < 0 || !isSame(all[last] as Facts, facts)) {
      const { type, json, topics, user, client, except, where } = facts
      last = all.push({ type, json, topics, user, client, except, where }) - 1
      places.set(key, last)
    }
    return last
  }
}

function isSame(one: Facts, other: Facts): boolean {
  return (
    one.type === other.type &&
    one.json === other.json &&
    one.user === other.user &&
    one.client === other.client &&
    one.except === other.except &&
    one.where === other.where &&
    isSameList(one.topics, other.topics)
  )
}

function isSameList(one: Facts['topics'], other: Facts['topics']): boolean {
  if (one === other) return true
  return one?.length === other?.length && (one ?? []).every((topic, at) => topic === other?.[at])
}
