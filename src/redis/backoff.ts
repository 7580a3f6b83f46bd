/** Waits between tries: each twice as long as the one before, up to the longest, and as short as at first after a success. */
export class Backoff {
  readonly #first: number
  readonly #longest: number
  #next: number
  #wake: (() => void) | undefined

  /** In milliseconds. */
  constructor(first: number, longest: number) {
    this.#first = this.#next = first
    this.#longest = longest
  }

  /** Whether nothing has failed since the last success. */
  get isFresh(): boolean {
    return this.#next === this.#first
  }

  succeeded(): void {
    this.#next = this.#first
  }

  wait(): Promise<void> {
    const milliseconds = this.#next
    this.#next = Math.min(this.#next * 2, this.#longest)
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Ends a wait under way. */
  wake(): void {
    this.#wake?.()
  }
}
