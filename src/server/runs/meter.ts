/** Counts what a run has, and says when that is too much. */
export class Meter {
  readonly #maxEvents: number
  readonly #maxBytes: number
  #events = 0
  #bytes = 0

  constructor({ maxEvents, maxBytes }: { readonly maxEvents: number; readonly maxBytes: number }) {
    this.#maxEvents = maxEvents
    this.#maxBytes = maxBytes
  }

  /** Counts a frame; answers with what is wrong, once something is. */
  count(frame: string): string | undefined {
    this.#events++
    this.#bytes += frame.length
    if (this.#events > this.#maxEvents) return `it has more than ${this.#maxEvents} events: raise maxEvents`
    if (this.#bytes > this.#maxBytes) return `it has more than ${this.#maxBytes} units of text: raise maxBytes`
    return undefined
  }
}
