import { UnmissedError } from '../protocol/errors.ts'

/** Why a log refused: the codes mean that nothing was added. */
export type LogErrorCode = 'log-closed' | 'log-sealed' | 'duplicate-id' | 'reserved-id' | 'too-many-logs'

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
