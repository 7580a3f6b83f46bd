import { later } from './delay.ts'
import { BY_CALLER, watch } from './environment.ts'
import { ConnectError } from './errors.ts'
import type { CloseReason } from './options.ts'
import { mayRepeat } from './requests.ts'
import type { Shared } from './shared.ts'
import type { Step } from './step.ts'

/** What may be wished of a connection from outside its loop, which hears of it by its step being cut short. */
export class Control {
  readonly opened: Promise<void>
  readonly closed: Promise<CloseReason>
  isOver = false
  /** Why it is paused, in bits. */
  pauses = 0
  /** Whether a wait may be cut short by now, and whether somebody wanted that before it could be. */
  isSkippable = false
  isWoken = false
  settleOpened!: (error?: ConnectError) => void
  #settleClosed!: (reason: CloseReason) => void
  #step: Step = new AbortController()
  readonly #shared: Shared
  /** What is undone at the end. */
  readonly #undos: ((() => void) | undefined)[]

  constructor(shared: Shared) {
    const { signal, deadline = 0, unref, pauseWhenHidden } = shared.options
    this.#shared = shared
    this.opened = new Promise((resolve, reject) => {
      this.settleOpened = (error) => (error ? reject(error) : resolve())
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    const abort = () => this.finish('aborted')
    const expire = () => this.fail(new ConnectError('deadline', `not over in ${deadline} ms`, false, this.#shared))
    signal?.addEventListener('abort', abort)
    this.#undos = [
      () => signal?.removeEventListener('abort', abort),
      deadline > 0 ? later(deadline, expire, unref) : undefined,
      watch(this, pauseWhenHidden?.after),
    ]
  }

  /** Begins an attempt, or a wait. */
  begin(): Step {
    this.#step = new AbortController()
    return this.#step
  }

  #cut() {
    const { health, policy } = this.#shared
    health.leave(policy.stable)
    this.isSkippable = false
    this.#step.isCut = true
    this.#step.abort()
  }

  connecting(): void {
    const { status, health } = this.#shared
    const { state, attempt, error } = status.snapshot
    const next = health.failures + 1
    if (state !== 'connecting' || attempt !== next) status.enter('connecting', error, undefined, next)
  }

  pause(reason: number): void {
    // What may not be repeated is left alone by the page: it might end well, and would not come back.
    if (this.isOver || (reason !== BY_CALLER && !mayRepeat(this.#shared))) return
    const wasPaused = this.pauses
    this.pauses |= reason
    if (wasPaused) return
    this.#cut()
    this.#shared.status.enter('paused')
  }

  unpause(reason: number): void {
    if (!(this.pauses & reason)) return
    this.pauses &= ~reason
    if (!this.pauses) this.reconnect()
  }

  reconnect(): void {
    if (this.isOver) return
    this.pauses = 0
    this.#cut()
    this.connecting()
  }

  leave(isLeft: boolean): void {
    this.#shared.cursors.leavePage(isLeft)
  }

  /** The network or the machine may be back. */
  wake(): void {
    this.#shared.watchdog?.check()
    this.isWoken = true
    if (this.isSkippable) this.reconnect()
  }

  fail(error: ConnectError): void {
    if (this.isOver) return
    this.#shared.status.tell(error)
    this.finish('failed', error)
  }

  finish(reason: CloseReason, error?: ConnectError): void {
    if (this.isOver) return
    this.isOver = true
    for (const undo of this.#undos) undo?.()
    if (reason === 'ended' || reason === 'stopped' || isGone(error)) this.#shared.cursors.forget()
    this.#cut()
    this.#shared.status.enter('closed', error)
    // Who closed it wants no more.
    this.#shared.consumers.end(reason === 'closed' || reason === 'aborted', error)
    this.settleOpened(error ?? new ConnectError('closed', 'closed before it opened'))
    this.#settleClosed(reason)
  }
}

/** Whether there is nothing to come back to. */
function isGone({ code, status }: Partial<ConnectError> = {}): boolean {
  return code === 'run-failed' || status === 404 || status === 410
}
