import type { Bounds, Entry, Follower, Page, Position } from '../log/log.ts'
import type { Keys } from './keys.ts'

/** A log, as far as those who follow it read it. */
export interface Read {
  readonly keys: Keys
  bounds(): Promise<Bounds>
  read(after: Position, limit: number): Promise<Page | undefined>
}

/** How many entries are read at once by whoever catches up. */
const PAGE = 1000

/** One follower: where it is, and how it catches up. */
export class Member {
  readonly #log: Read
  readonly #follower: Follower
  readonly #onLeave: () => void
  #at: Position
  /** How far the stream is known, and whether there is its end. */
  #known: Position
  #isSealed = false
  #isBusy = false
  #isOver = false

  constructor(log: Read, follower: Follower, at: Position, onLeave: () => void) {
    this.#log = log
    this.#follower = follower
    this.#at = this.#known = at
    this.#onLeave = onLeave
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onLeave()
  }

  /** The next entries of the stream. What lies before them and did not come is read. */
  take(entries: readonly Entry[]): void {
    if (this.#isBusy) return
    const { epoch, offset } = this.#at
    const fresh = entries.filter((entry) => entry.epoch !== epoch || entry.offset > offset)
    const [first] = fresh
    if (first && (first.epoch !== epoch || first.offset === offset + 1)) this.#hand(fresh)
  }

  /** How far the stream goes by now. */
  see(known: Position, isSealed: boolean): void {
    this.#known = known
    this.#isSealed = isSealed
    if (this.#isBusy || this.#isOver) return
    if (this.#isBehind) void this.#catchUp()
    else if (isSealed) this.end('sealed')
  }

  get #isBehind(): boolean {
    const { epoch, offset } = this.#known
    return epoch === this.#at.epoch && offset > this.#at.offset
  }

  /** Later, so that whoever follows has its place before it hears of the end. */
  end(reason: 'sealed' | 'expired'): void {
    if (this.#isOver) return
    this.close()
    queueMicrotask(() => this.#call(() => this.#follower.end(reason)))
  }

  tell(error: unknown): void {
    if (this.#isOver) return
    try {
      this.#follower.error(error)
    } catch {}
  }

  async #catchUp() {
    this.#isBusy = true
    try {
      while (this.#isBehind && !this.#isOver) {
        const page = await this.#log.read(this.#at, PAGE)
        if (this.#isOver) return
        if (page?.entries.length) this.#hand(page.entries)
        else {
          // Trimmed meanwhile, or lost: on from what is there.
          const { epoch, oldest } = await this.#log.bounds()
          this.#at = { epoch, offset: oldest - 1 }
        }
      }
    } catch (error) {
      this.tell(error)
    } finally {
      this.#isBusy = false
    }
    if (!this.#isBehind && this.#isSealed) this.end('sealed')
  }

  #hand(entries: readonly Entry[]) {
    const last = entries.at(-1) as Entry
    this.#at = { epoch: last.epoch, offset: last.offset }
    if (!this.#isOver) this.#call(() => this.#follower.entries(entries))
  }

  #call(run: () => void) {
    try {
      run()
    } catch (error) {
      try {
        this.#follower.error(error)
      } catch {}
    }
  }
}
