import { UnmissedError } from '../protocol/errors.ts'
import { Body } from './body.ts'
import { type Decision, decide } from './decide.ts'
import { delay, later } from './delay.ts'
import { BY_CALLER, isOffline, watch } from './environment.ts'
import { ConnectError } from './errors.ts'
import { call, report } from './listeners.ts'
import type { CloseReason } from './options.ts'
import { mayRepeat, type Opened, open, renew } from './requests.ts'
import type { Shared } from './shared.ts'
import type { Step } from './step.ts'

/** The life of a connection. Only this makes attempts, one after the other, so that no race can make two. */
export class Loop {
  readonly opened: Promise<void>
  readonly closed: Promise<CloseReason>
  #settleOpened!: (error?: ConnectError) => void
  #settleClosed!: (reason: CloseReason) => void
  readonly #shared: Shared
  #body: Body | undefined
  /** What is undone at the end. */
  readonly #undos: ((() => void) | undefined)[]
  #isOver = false
  /** Why it is paused, in bits. */
  #pauses = 0
  #step: Step = new AbortController()
  /** Whether a wait may be cut short by now, and whether somebody wanted that before it could be. */
  #isSkippable = false
  #isWoken = false
  #isWarned = false

  constructor(shared: Shared) {
    const { signal, deadline = 0, unref, pauseWhenHidden } = shared.options
    this.#shared = shared
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = (error) => (error ? reject(error) : resolve())
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    const abort = () => this.finish('aborted')
    const expire = () => this.#fail(new ConnectError('deadline', `Not over in ${deadline} ms`, false))
    signal?.addEventListener('abort', abort)
    this.#undos = [
      signal ? () => signal.removeEventListener('abort', abort) : undefined,
      deadline > 0 ? later(deadline, expire, unref) : undefined,
      watch(this, pauseWhenHidden?.after),
    ]
  }

  async run(): Promise<void> {
    // Whoever listens before the caller's code gives way hears everything.
    await undefined
    if (this.#shared.options.signal?.aborted) this.finish('aborted')
    while (!this.#isOver) {
      const step = this.#begin()
      if (this.#pauses) await new Promise((resolve) => step.signal.addEventListener('abort', resolve))
      else {
        this.#connecting()
        const error = await this.#attempt(step)
        if (!step.isCut) await this.#meet(error)
      }
    }
  }

  /** Opens a body and reads it until that is over; answers with what ended it. */
  async #attempt(step: Step): Promise<ConnectError> {
    try {
      const opened = await open(this.#shared, step)
      if (opened) await this.#enter(opened, step).read()
      else if (!step.isCut) this.finish('stopped')
      return new ConnectError('ended', 'The stream ended')
    } catch (cause) {
      if (step.error) return step.error
      if (cause instanceof ConnectError) return cause
      // The parser knows one error only.
      if (cause instanceof UnmissedError) return new ConnectError('event-too-large', cause.message, false, { cause })
      return new ConnectError('request', 'The attempt failed', true, { cause })
    } finally {
      // Whatever still hangs on the attempt goes with it.
      step.abort()
      this.#body = undefined
    }
  }

  #enter(opened: Opened, step: Step): Body {
    const { status, health, options } = this.#shared
    const body = new Body(this.#shared, opened, step, () => this.finish('ended'))
    this.#body = body
    health.open()
    // Between two awaits somebody may have had another wish, and so may whoever hears of the opening.
    if (!step.isCut) status.enter('open')
    if (!step.isCut) {
      this.#settleOpened()
      call(options.onOpen, opened.response)
      body.compare()
    }
    return body
  }

  /** Does what a failure means. */
  async #meet(error: ConnectError) {
    const decision = this.#decide(error)
    if (decision.next === 'renew') this.#shared.renewal = renew(this.#shared, error)
    else if (decision.next === 'wait') await this.#wait(error, decision)
    else if (decision.next === 'failed') this.#fail(error)
    else this.finish('ended')
  }

  #decide(error: ConnectError): Decision {
    const { options, policy, health, status } = this.#shared
    const { attempt } = status.snapshot
    error.attempt = attempt
    health.count(error.code === 'ended', policy.stable)
    try {
      return decide({
        error,
        attempt,
        failures: health.failures,
        wellSince: health.wellSince,
        now: Date.now(),
        isOffline: isOffline(),
        asked: this.#shared.retry,
        policy,
        // A function decides for itself; what it leaves open is decided as if there were none.
        mayRepeat: policy.when ? this.#shared.isSafe : mayRepeat(this.#shared),
        canRenew: !!options.onUnauthorized && !health.wasRenewed,
        endIsGood: options.until === undefined,
      })
    } catch (mistake) {
      report(mistake)
      return { next: 'failed' }
    }
  }

  async #wait(error: ConnectError, { delay: milliseconds, floor, mistake }: Extract<Decision, { next: 'wait' }>) {
    const { status, options } = this.#shared
    const { signal } = this.#begin()
    if (mistake && !this.#isWarned) {
      this.#isWarned = true
      status.tell(new ConnectError('invalid-option', '`retry` must answer with a boolean or milliseconds', false))
    }
    status.tell(error, milliseconds)
    if (!signal.aborted) status.enter('waiting', error, milliseconds)
    // What the server asked for is waited for whoever comes; what lies above it may be cut short.
    this.#isWoken = false
    if (floor > 0) await delay(floor, signal, options.unref)
    this.#isSkippable = !signal.aborted
    if (!this.#isWoken) await delay(milliseconds - floor, signal, options.unref)
    this.#isSkippable = false
  }

  #begin(): Step {
    this.#step = new AbortController()
    return this.#step
  }
  #cut() {
    const { health, policy } = this.#shared
    health.leave(policy.stable)
    this.#isSkippable = false
    this.#step.isCut = true
    this.#step.abort()
  }
  #connecting() {
    const { status, health } = this.#shared
    const { state, attempt, error } = status.snapshot
    const next = health.failures + 1
    if (state !== 'connecting' || attempt !== next) status.enter('connecting', error, undefined, next)
  }

  pause(reason: number): void {
    // What may not be repeated is left alone by the page: it might end well, and would not come back.
    if (this.#isOver || (reason !== BY_CALLER && !mayRepeat(this.#shared))) return
    const wasPaused = this.#pauses
    this.#pauses |= reason
    if (wasPaused) return
    this.#cut()
    this.#shared.status.enter('paused')
  }
  unpause(reason: number): void {
    if (!(this.#pauses & reason)) return
    this.#pauses &= ~reason
    if (!this.#pauses) this.reconnect()
  }
  reconnect(): void {
    if (this.#isOver) return
    this.#pauses = 0
    this.#cut()
    this.#connecting()
  }
  wake(): void {
    this.#body?.watchdog?.check()
    this.#isWoken = true
    if (this.#isSkippable) this.reconnect()
  }

  #fail(error: ConnectError) {
    if (this.#isOver) return
    this.#shared.status.tell(error)
    this.finish('failed', error)
  }
  finish(reason: CloseReason, error?: ConnectError): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const undo of this.#undos) undo?.()
    this.#cut()
    this.#shared.status.enter('closed', error)
    // Who closed it wants no more.
    this.#shared.consumers.end(reason === 'closed' || reason === 'aborted', error)
    this.#settleOpened(error ?? new ConnectError('closed', 'Closed before it opened'))
    this.#settleClosed(reason)
  }
}
