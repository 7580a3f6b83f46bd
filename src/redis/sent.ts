import { RESENT } from './lua/append.ts'

/**
 * The scripts that append, by number. One that has no answer may be sent again by the client, when it has connected again:
 * what it was answered is kept in Redis until it is known to be answered, or too old to come.
 */
export class Sent {
  /** Whose numbers they are. */
  readonly caller: string = crypto.randomUUID()
  #last = 0
  /** Those that wait for an answer, the oldest first; and those that failed, with the time. */
  readonly #awaited = new Map<number, number | undefined>()

  /** The next number. */
  next(): number {
    this.#awaited.set(++this.#last, undefined)
    return this.#last
  }

  /** The oldest that may still be sent again. */
  get oldest(): number {
    for (const [number, failed] of this.#awaited) {
      if (failed === undefined || Date.now() - failed < RESENT) return number
      this.#awaited.delete(number)
    }
    return this.#last
  }

  answered(number: number): void {
    this.#awaited.delete(number)
  }

  failed(number: number): void {
    this.#awaited.set(number, Date.now())
  }
}
