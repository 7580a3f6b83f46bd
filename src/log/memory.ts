import { UnmissedError } from '../protocol/errors.ts'
import type { Backplane, Entry, Message, Position } from './log.ts'

/** How much the log in memory keeps for replay. */
export interface HistoryOptions {
  /** The most events kept for replay. Default: 1000. */
  count?: number | undefined
  /** The most bytes kept for replay, give or take. Default: 16777216. */
  bytes?: number | undefined
  /** How long an event is kept for replay, in milliseconds. Default: for ever, within `count` and `bytes`. */
  age?: number | undefined
}

interface Kept extends Entry {
  readonly at: number
  readonly size: number
  readonly key: string | undefined
}

/** The log in memory: the default backplane, for one process. */
export function memoryBackplane(options: HistoryOptions | number = {}): Backplane {
  return new MemoryLog(typeof options === 'number' ? { count: options } : options)
}

class MemoryLog implements Backplane {
  readonly local = true
  readonly #count: number
  readonly #bytes: number
  readonly #age: number
  readonly #listeners = new Set<(entry: Entry) => void>()
  readonly #keys = new Map<string, Position>()
  readonly #ids = new Map<string, Position>()
  #epoch: string | undefined
  #offset = 0
  #size = 0
  #closed = false
  // Entries before #first are gone; they are cut off in large pieces, since moving the rest costs as much each time.
  #entries: Array<Kept | undefined> = []
  #first = 0
  #outbox: Entry[] | undefined

  constructor({ count = 1000, bytes = 2 ** 24, age = Number.POSITIVE_INFINITY }: HistoryOptions) {
    this.#count = count
    this.#bytes = bytes
    this.#age = age
  }

  publish(message: Message, { idempotencyKey: key }: { idempotencyKey?: string | undefined }): Position {
    this.#check()
    const known = key === undefined ? undefined : this.#keys.get(key)
    if (known) return known
    const { id } = message
    if (id !== undefined && this.#ids.has(id)) {
      throw new UnmissedError(
        'duplicate-id',
        `the id ${JSON.stringify(id)} is taken: a reader would drop the second event`,
      )
    }
    const position = { epoch: this.epoch, offset: ++this.#offset }
    const size = message.frame.length
    const entry: Kept = { ...position, message, at: performance.now(), size, key }
    this.#entries.push(entry)
    this.#size += size
    if (key !== undefined) this.#keys.set(key, position)
    if (id !== undefined) this.#ids.set(id, position)
    this.#trim()
    this.#deliver(entry)
    return position
  }

  subscribe(listener: (entry: Entry) => void): Position & { close(): void } {
    this.#check()
    const own = (entry: Entry): void => listener(entry)
    this.#listeners.add(own)
    return { epoch: this.epoch, offset: this.#offset, close: () => void this.#listeners.delete(own) }
  }

  read({ epoch, offset }: Position, limit: number): readonly Entry[] | undefined {
    this.#check()
    this.#trim()
    const start = offset + 1 - this.#oldest
    if (epoch !== this.#epoch || start < 0 || offset > this.#offset) return undefined
    return this.#entries.slice(this.#first + start, this.#first + start + limit) as Kept[]
  }

  bounds(): Position & { oldest: number } {
    this.#check()
    this.#trim()
    return { epoch: this.epoch, offset: this.#offset, oldest: this.#oldest }
  }

  locate(id: string): Position | undefined {
    return this.#ids.get(id)
  }

  close(): void {
    this.#closed = true
    this.#listeners.clear()
  }

  // Made at the first use: at the top of a module some runtimes have no random numbers yet.
  get epoch(): string {
    this.#epoch ??= Date.now().toString(36) + Math.random().toString(36).slice(2, 8)
    return this.#epoch
  }

  get #oldest(): number {
    return this.#offset + 1 - (this.#entries.length - this.#first)
  }

  #check(): void {
    if (this.#closed) throw new UnmissedError('backplane-closed', 'the backplane is closed')
  }

  #trim(): void {
    const past = performance.now() - this.#age
    for (;;) {
      const entry = this.#entries[this.#first]
      if (!entry) break
      if (this.#entries.length - this.#first <= this.#count && this.#size <= this.#bytes && entry.at >= past) break
      this.#entries[this.#first++] = undefined
      this.#size -= entry.size
      if (entry.key !== undefined) this.#keys.delete(entry.key)
      if (entry.message.id !== undefined) this.#ids.delete(entry.message.id)
    }
    if (this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  // A listener may publish: what it adds comes after what is being delivered, for every listener.
  #deliver(entry: Entry): void {
    if (this.#outbox) {
      this.#outbox.push(entry)
      return
    }
    this.#outbox = [entry]
    try {
      for (const next of this.#outbox) for (const listener of this.#listeners) listener(next)
    } finally {
      this.#outbox = undefined
    }
  }
}
