import { UnmissedError } from '../protocol/errors.ts'

/** Why a log refused: the codes mean that nothing was added. */
export type LogErrorCode = 'log-closed' | 'log-sealed' | 'duplicate-id' | 'reserved-id' | 'too-many-logs'

/** What a log refuses with. */
export class LogError extends UnmissedError<LogErrorCode> {
  override name = 'LogError'
}
