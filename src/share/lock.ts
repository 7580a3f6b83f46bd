/** The lock that one tab holds, the leader. It is asked for once, and given by the browser when the one before has gone, or crashed. */
export class Lock {
  readonly #name: string
  readonly #home: LockHome
  #asked: AbortController | undefined
  #release: (() => void) | undefined

  constructor(name: string, home: LockHome) {
    this.#name = name
    this.#home = home
  }

  /** Waits for it in line, or takes it from whoever has it. */
  request(steal = false): void {
    this.leave()
    const asked = new AbortController()
    this.#asked = asked
    const hold = (): Promise<void> | undefined => {
      if (this.#asked !== asked) return undefined
      return new Promise((resolve) => {
        this.#release = resolve
        this.#home.lead()
      })
    }
    // The standard allows no signal where it is stolen.
    navigator.locks.request(this.#name, steal ? { steal } : { signal: asked.signal }, hold).catch((error) => {
      if (this.#asked !== asked) return
      // Somebody has taken it, perhaps before we knew that we had it; or there is none to be had.
      if (error.name === 'AbortError') this.#home.follow()
      else this.#home.refused()
    })
  }

  /** How many wait for it. */
  async waiting(): Promise<number> {
    const { pending = [] } = await navigator.locks.query()
    return pending.filter(({ name }) => name === this.#name).length
  }

  /** Gives it up after some milliseconds, or its place in the line. */
  leave(linger = 0): void {
    const asked = this.#asked
    const release = this.#release
    this.#asked = this.#release = undefined
    asked?.abort()
    if (!release) return
    if (linger > 0) setTimeout(release, linger)
    else release()
  }
}

/** Who is told. */
export interface LockHome {
  /** This tab has it. */
  lead(): void
  /** Another tab has taken it. */
  follow(): void
  /** The browser gives none here. */
  refused(): void
}
