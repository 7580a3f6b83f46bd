import { LONGEST, unref } from '../../log/timer.ts'

/** How much may go at once, in seconds of the rate. */
const BURST = 1

/** How many bytes a second go to one reader. What was written counts as under way until its time has passed. */
export class Rate {
  readonly #perMillisecond: number
  readonly #onReady: () => void
  /** When all that was written has had its time, on the clock of `performance.now()`. */
  #passedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(bytesPerSecond: number, onReady: () => void) {
    this.#perMillisecond = bytesPerSecond / 1000
    this.#onReady = onReady
  }

  get isExhausted(): boolean {
    return this.#timer !== undefined
  }

  /** Counts bytes; whether the reader has to wait before the next. */
  spend(bytes: number, now: number): boolean {
    this.#passedAt = Math.max(this.#passedAt, now) + bytes / this.#perMillisecond
    const wait = this.#passedAt - now - BURST * 1000
    if (wait <= 0) return false
    clearTimeout(this.#timer)
    const ready = (): void => {
      this.#timer = undefined
      this.#onReady()
    }
    this.#timer = unref(setTimeout(ready, Math.min(Math.ceil(wait), LONGEST)))
    return true
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
