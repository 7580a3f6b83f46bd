import { startTimer, type Timer } from '../../log/timer.ts'
import type { Exchange } from '../http/exchange.ts'

/** How often it is looked, per time limit. */
const LOOKS = 4

/**
 * Notices a reader that takes nothing of what was written to it. Bytes that were taken count, however few, and whatever
 * waits behind them; so do two bytes in a full kernel that nobody reads.
 */
export class Stall {
  readonly #exchange: Exchange
  readonly #limit: number
  readonly #onStall: () => void
  #timer: Timer | undefined

  /** `limit` in milliseconds, 0 for none. */
  constructor(exchange: Exchange, limit: number, onStall: () => void) {
    this.#exchange = exchange
    this.#limit = limit
    this.#onStall = onStall
  }

  /** Watches until all that was written is taken. Called after each write that left something behind, so it must cost nothing. */
  watch(): void {
    if (this.#timer || this.#limit === 0) return
    let before = this.#exchange.progress()
    let since = performance.now()
    this.#timer = startTimer(this.#limit / LOOKS, () => {
      const progress = this.#exchange.progress()
      const now = performance.now()
      if (this.#exchange.held === 0) return this.stop()
      if (progress !== before) {
        before = progress
        since = now
      } else if (now - since >= this.#limit) {
        this.stop()
        this.#onStall()
      }
    })
  }

  stop(): void {
    this.#timer?.stop()
    this.#timer = undefined
  }
}
