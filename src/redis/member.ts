import type { Entry, Follower, Position } from '../log/log.ts'
import { tell } from '../log/tell.ts'
import type { Core } from './core.ts'

/** How many entries are read at once by whoever catches up. */
const PAGE = 1000

/** One follower: where it is, and how it catches up. */
export class Member {
  readonly #log: Core
  readonly #follower: Follower
  readonly #onLeave: () => void
  #at: Position
  /** How far the stream is known, and whether there is its end. */
  #known: Position
  #isSealed = false
  #isBusy = false
  #isOver = false

  constructor(log: Core, follower: Follower, at: Position, onLeave: () => void) {
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
    const fresh = entries.filter((entry) => entry.epoch === epoch && entry.offset > offset)
    if (fresh[0]?.offset === offset + 1) this.#hand(fresh)
  }

  /** How far the stream goes by now. */
  see(known: Position, isSealed: boolean): void {
    this.#known = known
    this.#isSealed = isSealed
    if (this.#isBusy || this.#isOver) return
    if (this.#isBehind) void this.#catchUp()
    else if (isSealed) this.end('sealed')
  }

  /** Another life of the log has begun, after this place. */
  async move(start: Position): Promise<void> {
    this.#known = start
    this.#isSealed = false
    // Whoever catches up comes to it by itself.
    if (this.#isBusy || this.#isOver) return
    await this.#catchUp()
  }

  get #isBehind(): boolean {
    const { epoch, offset } = this.#known
    return epoch !== this.#at.epoch || offset > this.#at.offset
  }

  /** Later, so that whoever follows has its place before it hears of the end. */
  end(reason: 'sealed' | 'expired'): void {
    if (this.#isOver) return
    this.close()
    queueMicrotask(() => this.#call(() => this.#follower.end(reason)))
  }

  tell(error: unknown): void {
    if (!this.#isOver) tell(this.#follower, error)
  }

  async #catchUp() {
    this.#isBusy = true
    try {
      while (this.#isBehind && !this.#isOver) {
        const page = await this.#log.read(this.#at, PAGE)
        if (this.#isOver) return
        if (!page) this.#at = await this.#elsewhere()
        else if (page.entries.length) this.#hand(page.entries)
        // It has all that there is, and is ahead of who reads the stream.
        else break
      }
    } catch (error) {
      this.tell(error)
    } finally {
      this.#isBusy = false
    }
    if (!this.#isBehind && this.#isSealed) this.end('sealed')
  }

  /** Where it goes on from a place after which nothing can be read: the same in another life, or what is left. */
  async #elsewhere(): Promise<Position> {
    const at = this.#at
    const same = await this.#log.continues(at)
    if (same && same.epoch !== at.epoch) return same
    const { epoch, oldest, start } = await this.#log.bounds()
    return { epoch, offset: epoch === at.epoch ? oldest - 1 : Math.max(start, oldest - 1) }
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
      tell(this.#follower, error)
    }
  }
}
