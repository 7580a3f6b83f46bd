import { UnmissedError } from '../../protocol/errors.ts'

/** What a producer throws to say why a run failed: readers are told its code and its message. */
export class RunFailure extends UnmissedError {
  override name = 'RunFailure'
}

type RunErrorCode = 'run-over' | 'run-too-large' | 'too-many-runs' | 'runs-closed'

/** What `start` and `send` reject with. */
export function runError(code: RunErrorCode, message: string): UnmissedError<RunErrorCode> {
  return new UnmissedError(code, message)
}

export function over(id: string): UnmissedError<RunErrorCode> {
  return runError('run-over', `the run ${JSON.stringify(id)} is over: stop sending when its signal aborts`)
}
