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
  readonly bytes: number
  send(): Promise<void>
  reject(error: unknown): void
}

/** Appends that are repeated, in their order, until Redis has them: each under a key that makes that safe. */
export class WaitingLine {
  readonly #count: number
  readonly #bytes: number
  readonly within: number
  readonly #keys = `${crypto.randomUUID()}.`
  #unanswered = 0
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
    if (this.#unanswered >= this.#count || this.#unansweredBytes + bytes > this.#bytes) {
      const message = 'too many appends wait for Redis, and this one was not taken: await them, or raise queue'
      return Promise.reject(new LogError('queue-full', message))
    }
    this.#unanswered++
    this.#unansweredBytes += bytes
    return new Promise<Value>((resolve, reject) => {
      let last: unknown
      let isOver = false
      const over = (then: () => void): void => {
        if (isOver) return
        isOver = true
        clearTimeout(timer)
        this.#unanswered--
        this.#unansweredBytes -= bytes
        then()
      }
      const late = () => over(() => reject(last ?? tooLate(this.within)))
      const timer = setTimeout(late, Math.min(this.within, 2 ** 31 - 1))
      const waiting: Waiting = {
        order: this.#order++,
        bytes,
        reject: (error) => over(() => reject(error)),
        send: async () => {
          if (isOver) return
          try {
            const value = await send()
            over(() => resolve(value))
          } catch (error) {
            last = last !== undefined && (last as LogError).code === 'log-unknown' ? last : error
            if (!isPassing(error) || this.#isClosed) over(() => reject(error))
            else if (!isOver) throw error
          }
        },
      }
      if (this.#isAway) this.#held.push(waiting)
      else void waiting.send().catch(() => this.#hold(waiting))
    })
  }

  /** What waits is given up. */
  close(error: unknown): void {
    this.#isClosed = true
    this.#wake?.()
    for (const waiting of this.#held.splice(0)) waiting.reject(error)
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

function tooLate(within: number): LogError {
  const message = `Redis did not answer within ${within} ms, and it may have been done: repeat it with the same idempotencyKey`
  return new LogError('log-unknown', message)
}
