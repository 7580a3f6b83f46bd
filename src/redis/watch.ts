import type { Core } from './core.ts'

/** How often Redis is told how far a log had got that was appended to here, in milliseconds. */
const EVERY = 1000
/** For how long after the last append: a server takes a while to take over from one that is gone. */
const FOR = 60_000

/**
 * An entry may be lost that nobody but its publisher has heard of. So it says for a while how far the log had got, also where
 * it publishes no more.
 */
export class Watch {
  readonly #appended = new Map<Core, number>()
  readonly #asking = new Set<Core>()
  #timer: ReturnType<typeof setInterval> | undefined

  add(core: Core): void {
    this.#appended.set(core, Date.now())
    this.#timer ??= setInterval(() => this.#look(), EVERY)
    ;(this.#timer as { unref?(): void }).unref?.()
  }

  forget(core: Core): void {
    this.#appended.delete(core)
    if (!this.#appended.size) this.close()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look() {
    for (const [core, at] of this.#appended) {
      if (Date.now() - at > FOR) this.forget(core)
      if (this.#asking.has(core)) continue
      this.#asking.add(core)
      core.look().then(
        () => this.#asking.delete(core),
        () => this.#asking.delete(core),
      )
    }
  }
}
