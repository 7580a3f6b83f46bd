import { UnmissedError } from '../protocol/errors.ts'
import { Body } from './body.ts'
import type { Control } from './control.ts'
import { type Decision, decide } from './decide.ts'
import { delay } from './delay.ts'
import { isOffline } from './environment.ts'
import { ConnectError } from './errors.ts'
import { call, report } from './listeners.ts'
import { mayRepeat, type Opened, open, renew } from './requests.ts'
import type { Shared } from './shared.ts'
import { cut, type Step } from './step.ts'
import { trace } from './trace.ts'

/** What a connection does in one step: it is over when that is cut short, or by itself. */
export type Turn = (shared: Shared, control: Control, step: Step) => Promise<void>

/** The life of a connection. Only this begins steps, one after the other, so that no race can make two attempts. */
export async function run(shared: Shared, control: Control, turn: Turn | undefined): Promise<void> {
  // Whoever listens before the caller's code gives way hears everything.
  await undefined
  if (shared.options.signal?.aborted) control.finish('aborted')
  while (!control.isOver) {
    const step = control.begin()
    await (control.pauses ? cut(step) : (turn ?? tryOnce)(shared, control, step))
  }
}

/** The turn of a connection of its own: an attempt, and what its end means. */
export async function tryOnce(shared: Shared, control: Control, step: Step): Promise<void> {
  control.connecting()
  const error = await attempt(shared, control, step)
  if (!step.isCut) await meet(shared, control, error)
}

/** Opens a body and reads it until that is over; answers with what ended it. */
async function attempt(shared: Shared, control: Control, step: Step): Promise<ConnectError> {
  try {
    const opened = await open(shared, step)
    if (opened) await enter(shared, control, step, opened).read()
    else if (!step.isCut) control.finish('stopped')
    return new ConnectError('ended', 'the stream ended', true, shared)
  } catch (cause) {
    if (step.error) return step.error
    if (cause instanceof ConnectError) return cause
    // The parser knows one error only.
    if (cause instanceof UnmissedError)
      return new ConnectError('event-too-large', 'an event is too long', false, { where: shared.where, cause })
    return new ConnectError('request', 'no request could be made', true, { cause })
  } finally {
    // Whatever still hangs on the attempt goes with it.
    step.abort()
    shared.watchdog = undefined
  }
}

function enter(shared: Shared, control: Control, step: Step, opened: Opened): Body {
  const body = new Body(shared, opened, step, (error) => (error ? control.fail(error) : control.finish('ended')))
  shared.health.open()
  trace(() => [shared.status, `answered; ${opened.response.headers.get('unmissed') ?? 'no server of ours'}`])
  // Between two awaits somebody may have had another wish, and so may whoever hears of the opening.
  if (!step.isCut) shared.status.enter('open')
  if (!step.isCut) {
    control.settleOpened()
    call(shared.options.onOpen, opened.response)
    body.compare()
  }
  return body
}

/** Does what a failure means. */
async function meet(shared: Shared, control: Control, error: ConnectError) {
  const decision = judge(shared, error)
  if (decision.next === 'renew') shared.renewal = renew(shared, error)
  else if (decision.next === 'wait') await wait(shared, control, error, decision)
  else if (decision.next === 'failed') control.fail(error)
  else control.finish('ended')
}

function judge(shared: Shared, error: ConnectError): Decision {
  const { options, policy, health, status, retry, isSafe } = shared
  const { attempt } = status.snapshot
  error.attempt = attempt
  health.count(error.code === 'ended', policy.stable)
  const { failures, wellSince, wasRenewed } = health
  try {
    return decide({
      error,
      attempt,
      failures,
      wellSince,
      now: Date.now(),
      isOffline: isOffline(),
      retry,
      policy,
      // A function decides for itself; what it leaves open is decided as if there were none.
      mayRepeat: policy.when ? isSafe : mayRepeat(shared),
      canRenew: !!options.onUnauthorized && !wasRenewed,
      endIsGood: options.until === undefined,
    })
  } catch (mistake) {
    report(mistake)
    return { next: 'failed' }
  }
}

async function wait(
  shared: Shared,
  control: Control,
  error: ConnectError,
  { delay: milliseconds, floor, mistake }: Extract<Decision, { next: 'wait' }>,
) {
  const { status, options } = shared
  const { signal } = control.begin()
  if (mistake && !shared.isWarned) {
    shared.isWarned = true
    status.tell(
      new ConnectError('invalid-option', '`retry` must answer with a boolean or with milliseconds, 0 or more', false),
    )
  }
  trace(() => {
    const asked = floor > 0 ? `the server asked for ${floor} ms` : 'the server asked for none'
    return [status, `waits ${milliseconds} ms after failure ${shared.health.failures}; ${asked}`]
  })
  status.tell(error, milliseconds)
  if (!signal.aborted) status.enter('waiting', error, milliseconds)
  // What the server asked for is waited for whoever comes; what lies above it may be cut short.
  control.isWoken = false
  if (floor > 0) await delay(floor, signal, options.unref)
  control.isSkippable = !signal.aborted
  if (!control.isWoken) await delay(milliseconds - floor, signal, options.unref)
  control.isSkippable = false
}
