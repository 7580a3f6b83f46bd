import { LogError, sealed } from '../log/errors.ts'

/** What a script refuses with, as every log says it. */
const REFUSALS: Readonly<Record<string, () => LogError>> = {
  'log-sealed': sealed,
  'duplicate-id': () =>
    new LogError('duplicate-id', 'the id is taken: a reader would drop the second event; give each event its own'),
  'reserved-id': () => new LogError('reserved-id', 'the id is a position of this log, and names another event'),
}

/** What Redis answers with for a while. */
const PASSING = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF|BUSY|TRYAGAIN|OOM) /
/** What clients say of a command that they did not send. */
const UNSENT = /client is offline|client is closed|isn't writeable/i

/** A failure of a client as a log's own: whether it was refused, could not be asked, or may have been done. */
export function troubleOf(error: unknown): unknown {
  if (error instanceof LogError) return error
  const message = String((error as Error)?.message ?? error)
  const [, code = ''] = /^UNMISSED ([a-z-]+)/.exec(message) ?? []
  const refusal = REFUSALS[code]
  if (refusal) return refusal()
  if (PASSING.test(message) || UNSENT.test(message)) {
    return new LogError('log-away', `Redis is away, and nothing was done: ${message}; try again`, { cause: error })
  }
  // Anything else that Redis itself has answered: it was asked for what cannot be.
  if (/^[A-Z]{2,} /.test(message)) return new LogError('log-refused', `Redis refuses: ${message}`, { cause: error })
  return new LogError(
    'log-unknown',
    `Redis went away before it answered (${message}), and it may have been done: repeat it with the same idempotencyKey`,
    { cause: error },
  )
}

/** Whether it may be otherwise in a moment. */
export function isPassing(error: unknown): boolean {
  return error instanceof LogError && (error.code === 'log-away' || error.code === 'log-unknown')
}
