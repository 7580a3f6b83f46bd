import { LogError } from './errors.ts'
import {
  type Appended,
  type AppendOptions,
  type Bounds,
  type Entry,
  type Follower,
  type Following,
  fromId,
  type Interest,
  type Log,
  type Logs,
  type Message,
  type Page,
  type Position,
} from './log.ts'
import { type MemoryLogOptions, Retention } from './retention.ts'

/** How much all logs of one memory keep together. */
export interface MemoryLogsOptions {
  /** The most logs; at the bound those go first that are sealed and not followed, then those not followed, the longest untouched first. Default: 100000. */
  readonly logs?: number | undefined
  /** The most bytes that all logs keep together. Default: 268435456. */
  readonly bytes?: number | undefined
}

/** The longest wait that a timer can hold; beyond it `setTimeout` fires at once. */
const LONGEST = 2 ** 31 - 1

/** Logs in memory: for one process. */
export interface MemoryLogs extends Logs {
  open(name: string, options?: MemoryLogOptions): Log
}

/** Makes a memory that logs are opened in. */
export function memoryLogs(options: MemoryLogsOptions = {}): MemoryLogs {
  return new Memory(options)
}

class Memory implements MemoryLogs {
  readonly #options: MemoryLogsOptions
  readonly #states = new Map<string, State>()
  #bytes = 0
  #closed = false

  constructor(options: MemoryLogsOptions) {
    this.#options = options
  }

  open(name: string, options: MemoryLogOptions = {}): Log {
    this.check()
    return new MemoryLog(this, name, options)
  }

  close(): void {
    this.#closed = true
    for (const state of this.#states.values()) state.remove()
    this.#states.clear()
  }

  check(): void {
    if (this.#closed) throw closed()
  }

  /** The log of a name, made where there is none. */
  state(name: string, options: MemoryLogOptions): State {
    this.check()
    const known = this.#states.get(name)
    if (known) return known
    const { logs = 100_000 } = this.#options
    if (this.#states.size >= logs && !this.#evict()) {
      throw new LogError('too-many-logs', `there are ${logs} logs, all of them followed: raise logs, or expire some`)
    }
    const state = new State(options, () => this.#remove(name, state))
    this.#states.set(name, state)
    return state
  }

  /** Called when a log has grown by so many bytes. */
  grew(name: string, state: State, by: number): void {
    this.#bytes += by
    const { bytes = 2 ** 28 } = this.#options
    if (this.#bytes <= bytes) {
      // The end of the list is where those are that were touched last.
      if (this.#states.size > 1) {
        this.#states.delete(name)
        this.#states.set(name, state)
      }
      return
    }
    while (this.#bytes > bytes && this.#evict(state));
    while (this.#bytes > bytes) {
      const before = state.retention.size
      if (!state.retention.dropOldest()) break
      this.#bytes -= before - state.retention.size
    }
  }

  #evict(but?: State): boolean {
    let found: [string, State] | undefined
    for (const [name, state] of this.#states) {
      if (state === but || state.isFollowed) continue
      found ??= [name, state]
      if (!state.sealed) continue
      found = [name, state]
      break
    }
    if (found) this.#remove(...found)
    return found !== undefined
  }

  #remove(name: string, state: State): void {
    if (this.#states.get(name) !== state) return
    this.#states.delete(name)
    this.#bytes -= state.retention.size
    state.remove()
  }
}

/** One life of a log. */
class State {
  readonly epoch = Date.now().toString(36) + Math.random().toString(36).slice(2, 8)
  readonly retention: Retention
  readonly keys = new Map<string, Appended>()
  readonly ids = new Map<string, number>()
  offset = 0
  /** Up to where the followers were told: what they append themselves waits for its turn. */
  delivered = 0
  sealed = false
  removed = false
  readonly #followers = new Set<Follower>()
  readonly #mostKeys: number
  readonly #onExpire: () => void
  /** The newest id of the application's own that is gone: nothing is missing after it. */
  #lastGone: { readonly id: string; readonly offset: number } | undefined
  #outbox: Entry[] | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: MemoryLogOptions, onExpire: () => void) {
    this.#onExpire = onExpire
    this.#mostKeys = options.keys ?? 10_000
    this.retention = new Retention(options, ({ message: { id }, offset }) => {
      if (id === undefined) return
      this.ids.delete(id)
      if (offset > (this.#lastGone?.offset ?? 0)) this.#lastGone = { id, offset }
    })
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0
  }

  append(message: Message, { idempotencyKey: key }: AppendOptions): Appended {
    const known = key === undefined ? undefined : this.keys.get(key)
    if (known) return { ...known, repeated: true }
    if (this.sealed) throw new LogError('log-sealed', 'the log is sealed: it takes no more entries')
    const { id } = message
    if (id !== undefined) this.#checkId(id)
    const { epoch } = this
    const offset = ++this.offset
    const position: Appended = id === undefined ? { epoch, offset } : { epoch, offset, id }
    if (key !== undefined) this.#remember(key, position)
    if (id !== undefined) this.ids.set(id, offset)
    this.#deliver(this.retention.add({ epoch, offset }, message))
    return position
  }

  locate(id: string): number | undefined {
    const { ids } = this
    return ids.get(id) ?? (this.#lastGone?.id === id ? this.#lastGone.offset : undefined)
  }

  follow(follower: Follower): () => void {
    this.#followers.add(follower)
    if (this.sealed) this.#end(follower, 'sealed')
    return () => void this.#followers.delete(follower)
  }

  seal(): void {
    if (this.sealed) return
    this.sealed = true
    // What is being delivered comes first.
    if (!this.#outbox) this.#endAll('sealed')
  }

  expire(within: number): void {
    clearTimeout(this.#timer)
    if (within <= 0) {
      this.#onExpire()
      return
    }
    const at = performance.now() + within
    const look = (): void => {
      const left = at - performance.now()
      if (left <= 0) {
        this.#onExpire()
        return
      }
      this.#timer = setTimeout(look, Math.min(Math.ceil(left), LONGEST))
      ;(this.#timer as { unref?(): void }).unref?.()
    }
    look()
  }

  remove(): void {
    this.removed = true
    clearTimeout(this.#timer)
    this.#endAll('expired')
  }

  #checkId(id: string): void {
    if (this.ids.has(id)) {
      throw new LogError(
        'duplicate-id',
        `the id ${JSON.stringify(id)} is taken: a reader would drop the second event; give each event its own`,
      )
    }
    if (fromId(id)?.epoch === this.epoch) {
      throw new LogError(
        'reserved-id',
        `the id ${JSON.stringify(id)} is a position of this log, and names another event`,
      )
    }
  }

  #remember(key: string, position: Appended): void {
    this.keys.set(key, position)
    if (this.keys.size > this.#mostKeys) this.keys.delete(this.keys.keys().next().value as string)
  }

  // A follower may append: what it adds comes after what is being delivered, for every follower.
  #deliver(entry: Entry): void {
    if (this.#outbox) {
      this.#outbox.push(entry)
      return
    }
    this.#outbox = [entry]
    for (let next = this.#outbox.shift(); next; next = this.#outbox.shift()) {
      this.delivered = next.offset
      // Whoever begins to follow meanwhile begins after this one.
      for (const follower of [...this.#followers]) {
        try {
          follower.entries([next])
        } catch (error) {
          tell(follower, error)
        }
      }
    }
    this.#outbox = undefined
    if (this.sealed) this.#endAll('sealed')
  }

  #endAll(reason: 'sealed' | 'expired'): void {
    for (const follower of this.#followers) this.#end(follower, reason)
  }

  // Later, so that whoever follows has its place before it hears of the end.
  #end(follower: Follower, reason: 'sealed' | 'expired'): void {
    queueMicrotask(() => {
      if (!this.#followers.delete(follower)) return
      try {
        follower.end(reason)
      } catch (error) {
        tell(follower, error)
      }
    })
  }
}

/** A handle on the log of a name: whichever life of it there is. */
class MemoryLog implements Log {
  readonly local = true
  readonly name: string
  readonly #memory: Memory
  readonly #options: MemoryLogOptions
  readonly #followings = new Set<() => void>()
  #last: State | undefined
  #closed = false

  constructor(memory: Memory, name: string, options: MemoryLogOptions) {
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
    return { epoch, offset, oldest: retention.oldest?.offset ?? offset + 1, sealed }
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

  get #state(): State {
    if (this.#closed) throw closed()
    this.#memory.check()
    if (!this.#last || this.#last.removed) this.#last = this.#memory.state(this.name, this.#options)
    return this.#last
  }

  get #trimmed(): State {
    const state = this.#state
    const before = state.retention.size
    state.retention.trim()
    this.#memory.grew(this.name, state, state.retention.size - before)
    return state
  }
}

function closed(): LogError {
  return new LogError('log-closed', 'the log is closed: open it again to use it')
}

function tell(follower: Follower, error: unknown): void {
  try {
    follower.error(error)
  } catch {}
}
