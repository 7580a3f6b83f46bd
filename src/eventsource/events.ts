import type { ConnectError } from '../client/errors.ts'

/** What an `EventSource` fires as `error`: the standard's plain event, and beside it what the standard keeps to itself. */
export class ConnectionErrorEvent extends Event {
  /** What went wrong, as a word for programs. */
  declare readonly code: string
  /** The status of the server's answer, where there was one. */
  declare readonly status: number | undefined
  /** What went wrong, for people. */
  declare readonly message: string
  /** The error with all that is known: the answer's headers, the beginning of its body, the cause. */
  declare readonly error: ConnectError

  constructor(error: ConnectError) {
    super('error')
    const { code, status, message } = error
    Object.assign(this, { code, status, message, error })
  }
}
