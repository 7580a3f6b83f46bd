import type { Outcome } from '../protocol/outcome.ts'
import type { Cursors } from './cursors.ts'
import type { ConnectError } from './errors.ts'
import { call } from './listeners.ts'
import type { ConnectOptions, Snapshot, State } from './options.ts'
import { reporting } from './reporting.ts'
import { trace } from './trace.ts'

interface Watcher {
  /** Missing as soon as it is removed. */
  run: ((snapshot: Snapshot) => unknown) | undefined
}

/** What a connection is, and who is told. */
export class Status {
  readonly #options: ConnectOptions
  readonly #cursors: Cursors
  #snapshot: Snapshot
  /** The snapshot that was told last. */
  #told: Snapshot | undefined
  #watchers: readonly Watcher[] = []
  /** How the run ended that was read. */
  outcome?: Outcome
  /** Whether somebody hears in another way how it goes. */
  hasListeners?: () => boolean
  #isReported = false
  #hasOpened = false

  constructor(options: ConnectOptions, cursors: Cursors) {
    this.#options = options
    this.#cursors = cursors
    // A signal that is aborted already is told later, as everything is: here the caller has no handle yet.
    const state = options.signal?.aborted ? 'closed' : 'connecting'
    this.#snapshot = {
      state,
      attempt: 1,
      delay: undefined,
      error: undefined,
      lastEventId: cursors.handled,
      outcome: undefined,
    }
  }

  get snapshot(): Snapshot {
    const lastEventId = this.#cursors.handled
    // The id moves with the events; to tell everybody would make a state of each.
    if (this.#snapshot.lastEventId !== lastEventId) this.#snapshot = { ...this.#snapshot, lastEventId }
    return this.#snapshot
  }

  /** The one door for state. */
  enter(state: State, error?: ConnectError, delay?: number, attempt = this.#snapshot.attempt): void {
    const { outcome } = this
    const snapshot: Snapshot = { state, attempt, delay, error, lastEventId: this.#cursors.handled, outcome }
    this.#snapshot = snapshot
    trace(() => [this, state === 'connecting' ? `connecting, attempt ${attempt}` : state])
    if (state === 'open') this.#hasOpened = true
    this.#told = snapshot
    call(this.#options.onState, snapshot)
    // Whoever hears of a state may change it; the others then hear of the newest only.
    for (const { run } of this.#watchers) if (this.#told === snapshot) call(run, snapshot)
  }

  /** Calls the listener with each new state. Returns its undo. */
  subscribe(run: (snapshot: Snapshot) => unknown): () => void {
    const watcher: Watcher = { run }
    this.#watchers = [...this.#watchers, watcher]
    return () => {
      watcher.run = undefined
      this.#watchers = this.#watchers.filter((other) => other !== watcher)
    }
  }

  /** Tells of an error, and in how many milliseconds it will be met. */
  tell(error: ConnectError, delay?: number): void {
    error.attempt ||= this.#snapshot.attempt
    error.delay = delay
    trace(() => [this, `${error.code}: ${error.message}${delay === undefined ? '' : `; again in ${delay} ms`}`])
    this.#reportUnheard(error)
    call(this.#options.onError, error)
  }

  /** What nobody would hear of is told on the console, once; but not what is met by the next attempt of a stream that worked. */
  #reportUnheard({ message, code, delay }: ConnectError) {
    const { onError, onState } = this.#options
    const isMet = delay !== undefined && this.#hasOpened
    if (
      !reporting.isOn ||
      this.#isReported ||
      isMet ||
      onError ||
      onState ||
      this.#watchers.length ||
      this.hasListeners?.()
    )
      return
    this.#isReported = true
    const next = delay === undefined ? '' : ' It is tried again.'
    console.error(`unmissed: ${message} (${code}).${next} Pass { onError } to hear of this yourself.`)
  }
}
