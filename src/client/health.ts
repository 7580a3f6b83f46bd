/** How a server has been lately: what failed since all was well, and what came of the body of now. */
export class Health {
  /** Failures in a row. */
  failures = 0
  /** Whether a new token was asked for since all was well. */
  wasRenewed = false
  /** When all was well last. */
  wellSince = Date.now()
  #spokeAt = 0
  #hasDelivered = false

  /** A body begins. */
  open(): void {
    this.#spokeAt = 0
    this.#hasDelivered = false
  }

  /** A chunk came. */
  hear(): void {
    this.#spokeAt ||= Date.now()
  }

  /** An event came that is no repetition. */
  deliver(): void {
    this.#hasDelivered = true
  }

  /** The body is left. One that spoke and lasted proves the server well, as an open socket does not. */
  leave(stable = 5000): boolean {
    const isWell = this.#spokeAt > 0 && Date.now() - this.#spokeAt >= stable
    if (isWell) this.#forget()
    this.#spokeAt = 0
    return isWell
  }

  /**
   * An attempt is over. One that brought something new was progress, after which the waits begin anew; and a server that
   * then ends its answer by itself does so on purpose, and has not failed.
   */
  count(hasEnded: boolean, stable: number | undefined): void {
    const isWell = this.leave(stable)
    if (this.#hasDelivered) this.#forget()
    if (!hasEnded || !(isWell || this.#hasDelivered)) this.failures++
    this.#hasDelivered = false
  }

  #forget() {
    this.failures = 0
    this.wasRenewed = false
    this.wellSince = Date.now()
  }
}
