import { LogError } from '../log/errors.ts'
import { LONGEST } from '../log/timer.ts'
import { Backoff } from './backoff.ts'
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

/** How long to wait before it is tried again, in milliseconds: at first, and at the longest. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 1000

/** Where an answer took so long, in milliseconds, the next one goes alone: clients that look for a server send in any order. */
const SLOW = 250

interface Waiting {
  /** Resolves with whether it is done with, or has to be sent again. */
  send(): Promise<boolean>
  giveUp(): void
}

/**
 * Appends that are repeated, in their order, until Redis has them: each under a key that makes that safe. Those of one turn go
 * together, and the next when all of them are answered: what is sent beside one that has no answer would overtake it.
 */
export class WaitingLine {
  readonly #count: number
  readonly #bytes: number
  readonly within: number
  readonly #keys = `${crypto.randomUUID()}.`
  #keyed = 0
  readonly #unanswered = new Set<Waiting>()
  #unansweredBytes = 0
  /** Those that are to be sent next. */
  #next: Waiting[] = []
  #isSending = false
  #isClosed = false
  readonly #backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT)

  constructor({ count = 10_000, bytes = 2 ** 26, within = 30_000 }: AppendQueue) {
    this.#count = count
    this.#bytes = bytes
    this.within = within
  }

  /** A key for an append that has none. */
  key(): string {
    return `${this.#keys}${this.#keyed++}`
  }

  /** Answers with what `send` answers, as soon as it does. */
  add<Value>(bytes: number, send: () => Promise<Value>): Promise<Value> {
    if (this.#unanswered.size >= this.#count || this.#unansweredBytes + bytes > this.#bytes) {
      const message = 'too many appends wait for Redis, and this one was not taken: await them, or raise queue'
      return Promise.reject(new LogError('queue-full', message))
    }
    return new Promise<Value>((resolve, reject) => {
      /** Why it was not done yet; where it may have been, that is what counts. */
      let trouble: unknown = new LogError('log-away', 'Redis is away, and nothing was done: try again')
      const over = (then: () => void): true => {
        if (this.#unanswered.delete(waiting)) {
          clearTimeout(timer)
          this.#unansweredBytes -= bytes
          then()
        }
        return true
      }
      const waiting: Waiting = {
        giveUp: () => over(() => reject(trouble)),
        send: async () => {
          if (!this.#unanswered.has(waiting)) return true
          const before = trouble
          trouble = unanswered()
          try {
            const value = await send()
            return over(() => resolve(value))
          } catch (error) {
            trouble = (before as LogError).code === 'log-unknown' ? before : error
            return isPassing(error) ? false : over(() => reject(error))
          }
        },
      }
      const timer = setTimeout(waiting.giveUp, Math.min(this.within, LONGEST))
      this.#unanswered.add(waiting)
      this.#unansweredBytes += bytes
      this.#next.push(waiting)
      if (!this.#isSending) void this.#send()
    })
  }

  /** What waits is given up. */
  close(): void {
    this.#isClosed = true
    this.#backoff.wake()
    for (const waiting of this.#unanswered) waiting.giveUp()
  }

  async #send() {
    this.#isSending = true
    // All of this turn.
    await Promise.resolve()
    let isDoubtful = false
    while (this.#next.length && !this.#isClosed) {
      const batch: Waiting[] = this.#next.splice(0, isDoubtful ? 1 : Number.POSITIVE_INFINITY)
      const began = performance.now()
      const done = await Promise.all(batch.map((waiting) => waiting.send()))
      const again = batch.filter((_, at) => !done[at])
      this.#next.unshift(...again)
      isDoubtful = again.length > 0 || performance.now() - began > SLOW
      if (again.length) await this.#backoff.wait()
      else this.#backoff.succeeded()
    }
    this.#isSending = false
  }
}

function unanswered(): LogError {
  const message = 'Redis did not answer in time, and it may have been done: repeat it with the same idempotencyKey'
  return new LogError('log-unknown', message)
}
