import { closed } from './errors.ts'
import type {
  Appended,
  AppendOptions,
  Bounds,
  Follower,
  Following,
  Interest,
  Log,
  Message,
  Page,
  Position,
} from './log.ts'
import type { MemoryState } from './memory-state.ts'
import type { MemoryLogOptions } from './retention.ts'

/** Where a handle finds its log. */
export interface Home {
  /** Throws where all logs are closed. */
  check(): void
  /** The log of a name, made where there is none. */
  state(name: string, options: MemoryLogOptions): MemoryState
  /** Called when a log has grown by so many bytes. */
  grew(name: string, state: MemoryState, by: number): void
}

/** A handle on the log of a name: whichever life of it there is. */
export class MemoryLog implements Log {
  readonly local = true
  readonly name: string
  readonly #memory: Home
  readonly #options: MemoryLogOptions
  readonly #followings = new Set<() => void>()
  #last: MemoryState | undefined
  #closed = false

  constructor(memory: Home, name: string, options: MemoryLogOptions) {
    this.#memory = memory
    this.name = name
    this.#options = options
  }

  append(message: Message, options: AppendOptions = {}): Appended {
    const state = this.#state
    const before = state.retention.size
    const appended = state.append(message, options)
    this.#memory.grew(this.name, state, state.retention.size - before)
    return appended
  }

  read({ epoch, offset }: Position, limit: number): Page | undefined {
    const { retention, epoch: current, offset: newest } = this.#trimmed
    if (epoch !== current || offset > newest) return undefined
    const entries = retention.after(offset, limit)
    const full = entries.length === limit
    return { entries, end: full ? (entries[limit - 1]?.offset ?? offset) : newest }
  }

  covers({ epoch, offset }: Position, reader: Interest): boolean {
    const state = this.#trimmed
    return epoch === state.epoch && offset <= state.offset && state.retention.covers(offset, reader)
  }

  follow(follower: Follower, after?: Position): Following {
    const state = this.#trimmed
    const { epoch, delivered, retention } = state
    const known = after && after.epoch === epoch && after.offset <= delivered && after.offset >= retention.wholeFrom
    const start = !after ? delivered : known ? after.offset : Math.min(retention.wholeFrom, delivered)
    const undo = state.follow(follower)
    const close = (): void => {
      undo()
      this.#followings.delete(close)
    }
    this.#followings.add(close)
    const missed = retention.after(start, Number.POSITIVE_INFINITY).filter(({ offset }) => offset <= delivered)
    if (missed.length > 0) follower.entries(missed)
    return { epoch, offset: start, close }
  }

  bounds(): Bounds {
    const { epoch, offset, sealed, retention } = this.#trimmed
    return { epoch, offset, oldest: retention.oldest ?? offset + 1, sealed }
  }

  locate(id: string): Position | undefined {
    const state = this.#state
    const offset = state.locate(id)
    return offset === undefined ? undefined : { epoch: state.epoch, offset }
  }

  seal(): Position {
    const state = this.#state
    state.seal()
    return { epoch: state.epoch, offset: state.offset }
  }

  expire(within: number): void {
    this.#state.expire(within)
  }

  close(): void {
    this.#closed = true
    for (const close of this.#followings) close()
  }

  get #state(): MemoryState {
    if (this.#closed) throw closed()
    this.#memory.check()
    if (!this.#last || this.#last.removed) this.#last = this.#memory.state(this.name, this.#options)
    return this.#last
  }

  get #trimmed(): MemoryState {
    const state = this.#state
    const before = state.retention.size
    state.retention.trim()
    this.#memory.grew(this.name, state, state.retention.size - before)
    return state
  }
}
