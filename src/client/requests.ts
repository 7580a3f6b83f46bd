import { type Answer, attempt } from './attempt.ts'
import { later } from './delay.ts'
import { ConnectError } from './errors.ts'
import type { Shared } from './shared.ts'
import { fail, race, type Step, throwIfAborted } from './step.ts'
import { trace } from './trace.ts'

/** An accepted answer, and the id that it was asked to go on after. */
export interface Opened extends Answer {
  readonly asked: string
}

/** Whether the request of now may be made again: it is safe, or the caller says so. */
export const mayRepeat = ({ options: { retry }, isSafe, key }: Shared): boolean =>
  retry === undefined ? isSafe || !!key : retry !== false

/** The answer to a request, if it begins in time; or nothing where the server asks us to stop. */
export async function open(shared: Shared, step: Step): Promise<Opened | undefined> {
  const { signal } = step
  throwIfAborted(signal)
  await load(shared, signal)
  await renewed(shared, signal)
  const { connectTimeout, unref } = shared.options
  const timeout = connectTimeout ?? 30_000
  shared.isSafe = true
  const expire = () => {
    if (connectTimeout || shared.isSafe || mayRepeat(shared))
      fail(step, new ConnectError('timeout-connect', `no answer in ${timeout} ms`, true, shared))
  }
  const stop = timeout > 0 ? later(timeout, expire, unref) : undefined
  try {
    return await race(request(shared, signal), signal)
  } finally {
    stop?.()
  }
}

/** Waits for the id that is kept elsewhere, however often the attempt is cut short. */
export async function load(shared: Shared, signal: AbortSignal): Promise<void> {
  const { cursors, options } = shared
  const { resume } = options
  if (!resume?.load) return
  if (!shared.loading) {
    shared.loading = Promise.resolve(resume)
      .then((resume) => resume.load?.())
      .then((id) => id != null && cursors.load(id)) as Promise<void>
    // After a failure it is asked once more: to begin anew in silence would lose events.
    shared.loading.catch(() => {
      shared.loading = undefined
    })
  }
  await race(shared.loading, signal)
}

/** Asks the caller for a new token. It is one promise, whatever happens to the attempts that wait for it. */
export function renew(shared: Shared, error: ConnectError): Shared['renewal'] {
  const { options, health } = shared
  health.wasRenewed = true
  trace(() => [shared.status, 'asks onUnauthorized'])
  const isDone = Promise.resolve(error)
    .then(options.onUnauthorized)
    .then(
      (answer) => answer !== false,
      () => false,
    )
  return { isDone, error }
}

async function renewed(shared: Shared, signal: AbortSignal) {
  const { health, status, renewal } = shared
  if (!renewal) return
  const isDone = await race(renewal.isDone, signal)
  shared.renewal = undefined
  if (isDone) return status.tell(renewal.error, 0)
  // It was counted when it came.
  health.failures--
  throw renewal.error
}

async function request(shared: Shared, signal: AbortSignal): Promise<Opened | undefined> {
  const { url, options, policy, platform, cursors, health, status } = shared
  const { parsed: asked, origin } = cursors
  const answer = await attempt({
    url,
    options,
    policy,
    platform,
    signal,
    info: { attempt: health.failures + 1, lastEventId: asked },
    id: asked || (origin && asked),
    resource: cursors.resource,
    key: shared.key,
    idOrigin: origin,
    onRequest: (where, isSafe) => {
      shared.where = where
      shared.isSafe = isSafe
      trace(() => [status, `asks ${where}, ${asked ? `after ${JSON.stringify(asked)}` : 'from the beginning'}`])
    },
    onWarning: (error) => status.tell(error),
  })
  return answer && { ...answer, asked }
}
