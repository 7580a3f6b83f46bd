import { RESENT } from './lua/append.ts'

/**
 * The scripts that append, by number. One that has no answer may be sent again by the client, when it has connected again:
 * what it was answered is kept in Redis until the answer is known to have come, or it is too old to be sent again.
 */
export class Sent {
  /** Whose numbers they are. */
  readonly caller: string = crypto.randomUUID()
  #last = 0
  /** Those that Redis may forget. */
  #over: number[] = []
  /** Those without an answer, and since when. */
  readonly #failed: { readonly number: number; readonly at: number }[] = []

  /** The next number. */
  next(): number {
    return ++this.#last
  }

  /** Those that Redis may forget now; it is told once. */
  over(): readonly number[] {
    const now = Date.now()
    while (this.#failed[0] && now - this.#failed[0].at >= RESENT) {
      this.#over.push((this.#failed.shift() as { number: number }).number)
    }
    const over = this.#over
    this.#over = []
    return over
  }

  answered(number: number): void {
    this.#over.push(number)
  }

  /** It has no answer, and may not have told what it was to tell. */
  failed(number: number, untold: readonly number[]): void {
    this.#failed.push({ number, at: Date.now() })
    this.#over.push(...untold)
  }
}
