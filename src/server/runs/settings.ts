import type { Log, Logs } from '../../log/log.ts'
import { type MemoryLogs, memoryLogs } from '../../log/memory.ts'
import { LOG_TIMEOUT } from '../hub/publisher.ts'
import type { RunsOptions } from './options.ts'

/** How many notes are kept that only this process has to read. */
const FEW = 1000

/** How runs are kept, with what nobody has said; and where. */
export class Settings {
  readonly maxEvents: number
  readonly maxBytes: number
  readonly maxDuration: number
  readonly maxRunning: number
  /** The most runs that are known. */
  readonly most: number
  readonly keep: number
  /** How long a run can be known after its end, and after its beginning, in milliseconds. */
  readonly kept: number
  readonly longest: number
  /** How long a log may take to answer, in milliseconds. */
  readonly patience: number
  /** The log that says which runs there are. */
  readonly log: Log
  readonly #logs: Logs
  readonly #ownLogs: MemoryLogs | undefined
  readonly #name: string

  constructor(options: RunsOptions) {
    const { keep = 600_000, keepUnread = keep, maxRuns = 100_000, name = 'runs' } = options
    this.maxEvents = options.maxEvents ?? 100_000
    this.maxBytes = options.maxBytes ?? 16_777_216
    this.maxDuration = options.maxDuration ?? 3_600_000
    this.maxRunning = options.maxRunning ?? 10_000
    this.most = maxRuns
    this.keep = keep
    this.kept = Math.max(keep, keepUnread)
    this.longest = this.maxDuration + this.kept
    this.patience = options.logTimeout ?? LOG_TIMEOUT
    this.#name = name
    this.#ownLogs = options.logs ? undefined : memoryLogs({ logs: maxRuns + 1 })
    this.#logs = options.logs ?? (this.#ownLogs as MemoryLogs)
    // A beginning, an end, and what may come between.
    const bounds = { count: maxRuns * 3, bytes: Number.MAX_SAFE_INTEGER, age: 2 * this.longest }
    this.log = this.#ownLogs?.open(name, { count: FEW, keys: FEW }) ?? this.#logs.open(name, bounds)
  }

  /** The log of one run, with room for its end. */
  logOf({ id, life }: { readonly id: string; readonly life: string }): Log {
    const bounds = { count: this.maxEvents + 2, bytes: Number.MAX_SAFE_INTEGER }
    return this.#logs.open(`${this.#name}:${id}:${life}`, bounds)
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.#ownLogs?.close()
  }
}
