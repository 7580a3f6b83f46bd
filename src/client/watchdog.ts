import { later } from './delay.ts'

/** How long bytes that came while the page was busy have to be read, in milliseconds. */
const GRACE = 100

/** Watches one body, which falls silent where its line died without a word. */
export class Watchdog {
  #heardAt = Date.now()
  #isLast = false
  #isBlocked = false
  #disarm: (() => void) | undefined
  readonly #idle: number
  readonly #unref: boolean | undefined
  readonly #onSilence: () => void

  /** Tells `onSilence` after so many milliseconds without a byte. */
  constructor(idle: number, unref: boolean | undefined, onSilence: () => void) {
    this.#idle = idle
    this.#unref = unref
    this.#onSilence = onSilence
    this.check()
  }

  /** Bytes came. */
  hear(): void {
    this.#heardAt = Date.now()
    this.#isLast = false
  }

  /** While nobody takes what we have, the silence is ours. */
  block(isBlocked: boolean): void {
    this.#isBlocked = isBlocked
    this.hear()
  }

  /** Compares the clock, because timers stop while a machine sleeps. */
  check(): void {
    const now = Date.now()
    // A clock that was set back starts anew.
    if (this.#isBlocked || now < this.#heardAt) this.#heardAt = now
    const left = this.#heardAt + this.#idle - now
    // We may have been too busy to read what came, so this is said twice.
    if (left <= 0 && this.#isLast) this.#onSilence()
    else this.#arm(left)
  }

  #arm(left: number) {
    this.stop()
    this.#isLast = left <= 0
    this.#disarm = later(this.#isLast ? GRACE : left, () => this.check(), this.#unref)
  }

  stop(): void {
    this.#disarm?.()
  }
}
