import { UnmissedError } from '../protocol/errors.ts'

/** Why a log refused: all codes but `log-unknown` mean that nothing was added. */
export type LogErrorCode =
  | 'log-closed'
  | 'log-sealed'
  | 'duplicate-id'
  | 'reserved-id'
  | 'too-many-logs'
  // What keeps it cannot be reached for now, will not do it, or went away before it answered.
  | 'log-away'
  | 'log-refused'
  | 'log-unknown'
  // Too much waits for it.
  | 'queue-full'

/** What a log refuses with. */
export class LogError extends UnmissedError<LogErrorCode> {
  override name = 'LogError'
}

/** What every call rejects with after `close`. */
export function closed(): LogError {
  return new LogError('log-closed', 'the log is closed: open it again to use it')
}

/** What an append is refused with after `seal`. */
export function sealed(): LogError {
  return new LogError('log-sealed', 'the log is sealed: it takes no more entries')
}
