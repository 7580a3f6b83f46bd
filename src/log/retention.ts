import type { Entry, Interest, LogOptions, Message, Position } from './log.ts'
import { addressees, Losses } from './losses.ts'

/** How much a log in memory keeps. */
export interface MemoryLogOptions extends LogOptions {
  /** How many of the newest entries of each topic are kept beyond `count`, so that a loud topic does not push out quiet ones. Default: 0. */
  readonly perTopic?: number | undefined
  /** How many idempotency keys are remembered. Default: 10000. */
  readonly keys?: number | undefined
}

/** What an entry costs beside its text, in bytes: measured as heap per entry, with its message and its place in the list. */
const OVERHEAD = 240
/** The same of a list of topics, and of each topic. */
const LIST = 40
const TOPIC = 35
const WIDE = /[^\0-\xff]/

/** An entry, with what is needed to let it go. A class: a literal that begins with a spread costs half as much again. */
export class Kept implements Entry {
  readonly epoch: string
  readonly offset: number
  readonly at = Date.now()
  readonly message: Message
  readonly size: number
  /** How many topics hold on to it. */
  held = 0

  constructor(epoch: string, offset: number, message: Message) {
    this.epoch = epoch
    this.offset = offset
    this.message = message
    this.size = sizeOf(message)
  }
}

/** Which entries a log in memory keeps, and to whom those matter that it let go. */
export class Retention {
  size = 0
  readonly #count: number
  readonly #bytes: number
  readonly #age: number
  readonly #perTopic: number
  readonly #onDrop: (entry: Kept) => void
  // Sorted by offset, which stay in their list when an entry is gone, until a quarter of them is: moving the rest costs as
  // much each time.
  #entries: Array<Kept | undefined> = []
  #offsets: number[] = []
  #gone = 0
  /** Where in the list the oldest begin that may still be there. */
  #first = 0
  /** Where those begin that no topic has to hold on to. */
  #window = 0
  readonly #topics = new Map<string, Kept[]>()
  readonly #losses = new Losses()

  constructor(options: MemoryLogOptions, onDrop: (entry: Kept) => void) {
    this.#count = options.count ?? 1000
    this.#bytes = options.bytes ?? 2 ** 24
    this.#age = options.age ?? Number.POSITIVE_INFINITY
    this.#perTopic = options.perTopic ?? 0
    this.#onDrop = onDrop
  }

  add({ epoch, offset }: Position, message: Message): Kept {
    const entry = new Kept(epoch, offset, message)
    this.#entries.push(entry)
    this.#offsets.push(entry.offset)
    this.size += entry.size
    if (this.#perTopic > 0) this.#hold(entry)
    // One that is larger than all may be does not push the others out for it.
    if (entry.size > this.#bytes) this.#drop(this.#entries.length - 1)
    this.trim()
    return entry
  }

  /** Lets go of what is beyond the bounds. */
  trim(): void {
    const { length } = this.#entries
    for (; length - this.#window > this.#count; this.#window++) {
      if (this.#entries[this.#window]?.held === 0) this.#drop(this.#window)
    }
    const past = this.#age === Number.POSITIVE_INFINITY ? 0 : Date.now() - this.#age
    for (let oldest = this.oldest; oldest && (this.size > this.#bytes || oldest.at < past); oldest = this.oldest) {
      this.#drop(this.#first)
    }
    if (this.#gone > 64 && this.#gone * 4 > length) this.#compact()
  }

  /** Lets go of the oldest; false where there is none. */
  dropOldest(): boolean {
    const { oldest } = this
    if (oldest) this.#drop(this.#first)
    return oldest !== undefined
  }

  get oldest(): Kept | undefined {
    while (this.#first < this.#entries.length && !this.#entries[this.#first]) this.#first++
    return this.#entries[this.#first]
  }

  /** The next entries after an offset. */
  after(offset: number, limit: number): Kept[] {
    const found: Kept[] = []
    for (let index = this.#indexAfter(offset); found.length < limit && index < this.#entries.length; index++) {
      const entry = this.#entries[index]
      if (entry) found.push(entry)
    }
    return found
  }

  /** Whether nothing is gone after an offset that a reader might have been given. */
  covers(offset: number, reader: Interest): boolean {
    return this.#losses.spare(offset, reader)
  }

  /** From where on everything is there. */
  get wholeFrom(): number {
    return this.#losses.newest
  }

  #hold(entry: Kept): void {
    for (const key of addressees(entry.message)) {
      let newest = this.#topics.get(key)
      if (!newest) {
        newest = []
        this.#topics.set(key, newest)
      }
      entry.held++
      newest.push(entry)
      if (newest.length <= this.#perTopic) continue
      const left = newest.shift() as Kept
      left.held--
      const at = this.#indexAfter(left.offset - 1)
      if (left.held === 0 && at < this.#window) this.#drop(at)
    }
  }

  #drop(index: number): void {
    const entry = this.#entries[index]
    if (!entry) return
    this.#entries[index] = undefined
    this.#gone++
    this.size -= entry.size
    for (const key of addressees(entry.message)) {
      this.#release(key, entry)
      this.#losses.add(key, entry.offset)
    }
    this.#onDrop(entry)
  }

  #release(key: string, entry: Kept): void {
    const newest = this.#topics.get(key)
    const at = newest?.indexOf(entry) ?? -1
    if (at >= 0) newest?.splice(at, 1)
    if (newest?.length === 0) this.#topics.delete(key)
  }

  #compact(): void {
    let before = 0
    for (let index = 0; index < this.#window; index++) if (this.#entries[index]) before++
    this.#entries = this.#entries.filter((entry) => entry !== undefined)
    this.#offsets = this.#entries.map((entry) => (entry as Kept).offset)
    this.#first = 0
    this.#window = before
    this.#gone = 0
  }

  #indexAfter(offset: number): number {
    let low = this.#first
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#offsets[middle] as number) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

function sizeOf({ frame, topics, user, id }: Message): number {
  // The search also makes one string of the pieces that it was put together from, which would be kept otherwise.
  const wide = WIDE.test(frame)
  let size = OVERHEAD + frame.length * (wide ? 2 : 1) + (user?.length ?? 0) + (id ? 100 + id.length : 0)
  if (topics) size += LIST
  for (const topic of topics ?? []) size += TOPIC + topic.length
  return size
}
