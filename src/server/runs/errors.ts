import { UnmissedError } from '../../protocol/errors.ts'

/** What a producer throws to say why a run failed: readers are told its code and its message. */
export class RunFailure extends UnmissedError {
  override name = 'RunFailure'
}

/** What `start`, `send` and others of a run reject with. */
export class RunError extends UnmissedError<'run-over' | 'run-too-large' | 'too-many-runs' | 'runs-closed'> {
  override name = 'RunError'
}

export function over(id: string): RunError {
  return new RunError('run-over', `the run ${JSON.stringify(id)} is over: stop sending when its signal aborts`)
}
