import type { ConnectError } from '../client/errors.ts'

/** What an `EventSource` fires as `error`: the standard's plain event, and beside it what the standard keeps to itself. */
export class ConnectionErrorEvent extends Event {
  /** What went wrong, as a word for programs. */
  readonly code: string
  /** The status of the server's answer, where there was one. */
  readonly status: number | undefined
  /** What went wrong, for people. */
  readonly message: string
  /** The error with all that is known: the answer's headers, the beginning of its body, the cause. */
  readonly error: ConnectError

  constructor(error: ConnectError) {
    super('error')
    this.code = error.code
    this.status = error.status
    this.message = error.message
    this.error = error
  }
}

/** `MessageEvent` where the runtime has one, else an event with the same fields (React Native). */
export function messageEvent(
  type: string,
  init: { data: string; origin: string; lastEventId: string },
): MessageEvent<string> {
  if (typeof MessageEvent === 'function') return new MessageEvent(type, init)
  return Object.assign(new Event(type), init, { source: null, ports: [] }) as unknown as MessageEvent<string>
}
