import type { Entry, Message, Position } from './log.ts'
import { addressees } from './losses.ts'
import { Kept, type MemoryLogOptions, Retention } from './retention.ts'
import { search } from './search.ts'

/** Keeps the newest entries, and beyond them the newest of each topic. */
export class PerTopic extends Retention {
  readonly #perTopic: number
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

  constructor(options: MemoryLogOptions, onLost: (entry: Entry) => void) {
    super(options, onLost)
    this.#perTopic = options.perTopic ?? 0
  }

  add({ epoch, offset }: Position, message: Message): Kept {
    const entry = new Kept(epoch, offset, message)
    this.#entries.push(entry)
    this.#offsets.push(entry.offset)
    this.size += entry.size
    this.#hold(entry)
    // One that is larger than all may be does not push the others out for it.
    if (entry.size > this.bytes) this.#drop(this.#entries.length - 1)
    this.trim()
    return entry
  }

  trim(): void {
    const { length } = this.#entries
    for (; length - this.#window > this.count; this.#window++) {
      if (this.#entries[this.#window]?.held === 0) this.#drop(this.#window)
    }
    const { past } = this
    for (let oldest = this.#oldest; oldest && (this.size > this.bytes || oldest.at < past); oldest = this.#oldest) {
      this.#drop(this.#first)
    }
    if (this.#gone > 64 && this.#gone * 4 > length) this.#compact()
  }

  dropOldest(): boolean {
    const oldest = this.#oldest
    if (oldest) this.#drop(this.#first)
    return oldest !== undefined
  }

  get oldest(): number | undefined {
    return this.#oldest?.offset
  }

  after(offset: number, limit: number): Kept[] {
    const found: Kept[] = []
    for (let index = this.#indexAfter(offset); found.length < limit && index < this.#entries.length; index++) {
      const entry = this.#entries[index]
      if (entry) found.push(entry)
    }
    return found
  }

  get #oldest(): Kept | undefined {
    while (this.#first < this.#entries.length && !this.#entries[this.#first]) this.#first++
    return this.#entries[this.#first]
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
    for (const key of addressees(entry.message)) this.#release(key, entry)
    this.lost(entry)
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
    const all = this.#offsets
    return Math.max(
      this.#first,
      search(all.length, (at) => (all[at] as number) > offset),
    )
  }
}
