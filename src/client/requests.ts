import { type Answer, attempt } from './attempt.ts'
import { later } from './delay.ts'
import { ConnectError } from './errors.ts'
import type { Parts } from './parts.ts'
import { detect } from './platform.ts'
import { fail, race, type Step, throwIfAborted } from './step.ts'

/** An accepted answer, and the id that it was asked to go on after. */
export interface Opened extends Answer {
  readonly asked: string
  /** Whether this runtime reads header values as UTF-8. */
  readonly encodes: boolean
}

/** Makes the requests of a connection, each after what it has to wait for. */
export class Requests {
  readonly #parts: Parts
  readonly #platform = detect()
  /** Whether the request of now may be made twice: a safe method without a body. */
  isSafe = true
  /** The id that is kept elsewhere, until it is here. */
  #loading: Promise<void> | undefined
  #isLoaded = false
  /** The token that is fetched, and the error that asked for it. */
  #renewal: { readonly isDone: Promise<boolean>; readonly error: ConnectError } | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether the request of now may be made again: it is safe, or the caller says so. */
  get mayRepeat(): boolean {
    const { retry } = this.#parts.options
    return retry === undefined ? this.isSafe : retry !== false
  }

  /** Asks the caller for a new token. It is one promise, whatever happens to the attempts that wait for it. */
  renew(error: ConnectError): void {
    this.#parts.health.wasRenewed = true
    const { onUnauthorized } = this.#parts.options
    const isDone = Promise.resolve(error)
      .then(onUnauthorized)
      .then(
        (answer) => answer !== false,
        () => false,
      )
    this.#renewal = { isDone, error }
  }

  /** The answer to a request, or nothing where the server asks us to stop. */
  async open(step: Step): Promise<Opened | undefined> {
    const { signal } = step
    throwIfAborted(signal)
    await this.#load(signal)
    await this.#renewed(signal)
    const { connectTimeout, unref } = this.#parts.options
    const timeout = connectTimeout ?? 30_000
    this.isSafe = true
    const expire = () => {
      if (connectTimeout || this.isSafe || this.mayRepeat)
        fail(step, new ConnectError('timeout-connect', `No answer in ${timeout} ms`))
    }
    const stop = timeout > 0 ? later(timeout, expire, unref) : undefined
    try {
      return await race(this.#request(signal), signal)
    } finally {
      stop?.()
    }
  }

  async #load(signal: AbortSignal) {
    const { resume } = this.#parts.options
    if (this.#isLoaded || !resume?.load) return
    if (!this.#loading) {
      this.#loading = Promise.resolve(resume)
        .then((resume) => resume.load?.())
        .then((id) => {
          this.#isLoaded = true
          if (id != null) this.#parts.cursors.load(id)
        })
      // After a failure it is asked once more: to begin anew in silence would lose events.
      this.#loading.catch(() => {
        this.#loading = undefined
      })
    }
    await race(this.#loading, signal)
  }

  async #renewed(signal: AbortSignal) {
    const { health, status } = this.#parts
    if (!this.#renewal) return
    const { isDone, error } = this.#renewal
    const isRenewed = await race(isDone, signal)
    this.#renewal = undefined
    if (isRenewed) return status.tell(error, 0)
    // It was counted when it came.
    health.failures--
    throw error
  }

  async #request(signal: AbortSignal): Promise<Opened | undefined> {
    const { url, options, policy, cursors, health, status } = this.#parts
    const { parsed: asked, origin } = cursors
    const answer = await attempt({
      url,
      options,
      statuses: policy.statuses,
      info: { attempt: health.failures + 1, lastEventId: asked },
      platform: this.#platform,
      id: asked || (origin && asked),
      idOrigin: origin,
      signal,
      onRequest: (isSafe) => {
        this.isSafe = isSafe
      },
      onWarning: (error) => status.tell(error),
    })
    return answer && { ...answer, asked, encodes: this.#platform.encodes }
  }
}
