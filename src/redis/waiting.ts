import { LogError } from '../log/errors.ts'
import { isPassing } from './trouble.ts'

/** How appends wait while Redis is away. */
export interface AppendQueue {
  /** The most appends that wait. Default: 10000. */
  readonly count?: number | undefined
  /** The most bytes that wait. Default: 67108864. */
  readonly bytes?: number | undefined
  /** How long one waits, in milliseconds. Default: 30000. */
  readonly within?: number | undefined
}

/** How long to wait before it is tried again, in milliseconds: it doubles up to the longest. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 1000

interface Waiting {
  readonly order: number
  send(): Promise<void>
  giveUp(): void
}

/** Appends that are repeated, in their order, until Redis has them: each under a key that makes that safe. */
export class WaitingLine {
  readonly #count: number
  readonly #bytes: number
  readonly within: number
  readonly #keys = `${crypto.randomUUID()}.`
  readonly #unanswered = new Set<Waiting>()
  #unansweredBytes = 0
  #order = 0
  /** Those that have to be sent again, or wait behind one that has to. */
  #held: Waiting[] = []
  #isAway = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor({ count = 10_000, bytes = 2 ** 26, within = 30_000 }: AppendQueue) {
    this.#count = count
    this.#bytes = bytes
    this.within = within
  }

  /** A key for an append that has none. */
  key(): string {
    return `${this.#keys}${this.#order}`
  }

  /** Answers with what `send` answers, as soon as it does. */
  add<Value>(bytes: number, send: () => Promise<Value>): Promise<Value> {
    if (this.#unanswered.size >= this.#count || this.#unansweredBytes + bytes > this.#bytes) {
      const message = 'too many appends wait for Redis, and this one was not taken: await them, or raise queue'
      return Promise.reject(new LogError('queue-full', message))
    }
    return new Promise<Value>((resolve, reject) => {
      /** Why it was not done yet; where it may have been, that is what counts. */
      let trouble: unknown
      const over = (then: () => void): void => {
        if (!this.#unanswered.delete(waiting)) return
        clearTimeout(timer)
        this.#unansweredBytes -= bytes
        then()
      }
      const waiting: Waiting = {
        order: this.#order++,
        giveUp: () => over(() => reject(trouble)),
        send: async () => {
          if (!this.#unanswered.has(waiting)) return
          const before = trouble
          trouble = unanswered()
          try {
            const value = await send()
            over(() => resolve(value))
          } catch (error) {
            trouble = (before as LogError | undefined)?.code === 'log-unknown' ? before : error
            if (!isPassing(error)) over(() => reject(error))
            else if (this.#isClosed) waiting.giveUp()
            else throw error
          }
        },
      }
      const timer = setTimeout(waiting.giveUp, Math.min(this.within, 2 ** 31 - 1))
      this.#unanswered.add(waiting)
      this.#unansweredBytes += bytes
      if (this.#isAway) {
        trouble = away()
        this.#held.push(waiting)
      } else void waiting.send().catch(() => this.#hold(waiting))
    })
  }

  /** What waits is given up. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
    this.#held = []
    for (const waiting of this.#unanswered) waiting.giveUp()
  }

  #hold(waiting: Waiting) {
    const at = this.#held.findIndex(({ order }) => order > waiting.order)
    this.#held.splice(at < 0 ? this.#held.length : at, 0, waiting)
    if (!this.#isAway) void this.#retry()
  }

  async #retry() {
    this.#isAway = true
    for (let wait = FIRST_WAIT; this.#held.length && !this.#isClosed; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      // The first asks whether Redis is there; then the others go together.
      while (this.#held.length && (await this.#sendFirst())) {
        const rest = this.#held.splice(0)
        await Promise.all(rest.map((waiting) => waiting.send().catch(() => this.#hold(waiting))))
      }
    }
    this.#isAway = false
  }

  async #sendFirst(): Promise<boolean> {
    const first = this.#held.shift() as Waiting
    try {
      await first.send()
      return true
    } catch {
      this.#hold(first)
      return false
    }
  }
}

function unanswered(): LogError {
  const message = 'Redis did not answer in time, and it may have been done: repeat it with the same idempotencyKey'
  return new LogError('log-unknown', message)
}

function away(): LogError {
  return new LogError('log-away', 'Redis is away, and nothing was done: try again')
}
