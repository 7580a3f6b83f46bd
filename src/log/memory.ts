import { closed, LogError } from './errors.ts'
import type { Log, Logs } from './log.ts'
import { type Home, MemoryLog } from './memory-log.ts'
import { MemoryState } from './memory-state.ts'
import type { MemoryLogOptions } from './retention.ts'

/** How much all logs of one memory keep together. */
export interface MemoryLogsOptions {
  /** The most logs; at the bound those go first that are sealed and not followed, then those not followed, the longest untouched first. Default: 100000. */
  readonly logs?: number | undefined
  /** The most bytes that all logs keep together. Default: 268435456. */
  readonly bytes?: number | undefined
}

/** Logs in memory: for one process. */
export interface MemoryLogs extends Logs {
  open(name: string, options?: MemoryLogOptions): Log
}

/** Makes a memory that logs are opened in. */
export function memoryLogs(options: MemoryLogsOptions = {}): MemoryLogs {
  return new Memory(options)
}

class Memory implements MemoryLogs, Home {
  readonly #options: MemoryLogsOptions
  readonly #states = new Map<string, MemoryState>()
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
  state(name: string, options: MemoryLogOptions): MemoryState {
    this.check()
    const known = this.#states.get(name)
    if (known) return known
    const { logs = 100_000 } = this.#options
    if (this.#states.size >= logs && !this.#evict()) {
      throw new LogError('too-many-logs', `there are ${logs} logs, all of them followed: raise logs, or expire some`)
    }
    const state = new MemoryState(options, () => this.#remove(name, state))
    this.#states.set(name, state)
    return state
  }

  /** Called when a log has grown by so many bytes. */
  grew(name: string, state: MemoryState, by: number): void {
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

  #evict(but?: MemoryState): boolean {
    let found: [string, MemoryState] | undefined
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

  #remove(name: string, state: MemoryState): void {
    if (this.#states.get(name) !== state) return
    this.#states.delete(name)
    this.#bytes -= state.retention.size
    state.remove()
  }
}
