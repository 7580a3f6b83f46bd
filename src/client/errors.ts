import { UnmissedError } from '../protocol/errors.ts'
import type { ServerSentEvent } from '../protocol/event.ts'

export type ConnectErrorCode =
  | 'network'
  | 'ended'
  | 'closed'
  | 'status'
  | 'content-type'
  | 'redirect'
  | 'no-body'
  | 'request'
  | 'timeout-connect'
  | 'timeout-idle'
  | 'event-too-large'
  | 'invalid-data'
  | 'unsendable-id'
  | 'consumer-stalled'
  | 'deadline'
  | 'invalid-option'

/** What is known of an error where it is made. */
export interface ConnectErrorFacts {
  cause?: unknown
  response?: Response | undefined
  body?: string | undefined
  event?: ServerSentEvent | undefined
}

/** What went wrong with a connection, and what a handler of it needs. */
export class ConnectError extends UnmissedError<ConnectErrorCode> {
  override name = 'ConnectError'
  /** Whether the same request may succeed later; decided where the fact is known, obeyed unless `retry` says otherwise. */
  readonly retryable: boolean
  /** The status of the answer, where there was one. */
  readonly status: number | undefined
  /** The headers of the answer, where there was one. */
  readonly headers: Headers | undefined
  /** The beginning of the body of a refused answer, as text; at most 2048 UTF-16 units. */
  readonly body: string | undefined
  /** The event as the server sent it, where its data was refused. */
  readonly event: ServerSentEvent | undefined
  /** The number of the attempt that failed, 1 after each healthy period. */
  attempt = 0
  /** Milliseconds until the next attempt; `undefined` where there will be none, or the stream lives on. */
  delay: number | undefined

  constructor(code: ConnectErrorCode, message: string, retryable = true, facts: ConnectErrorFacts = {}) {
    const { cause, response, body, event } = facts
    // Anything may be thrown.
    const why = String((cause as Error | undefined)?.message ?? cause ?? '')
    super(code, why ? `${message}: ${why}` : message, { cause })
    this.retryable = retryable
    this.status = response?.status
    this.headers = response?.headers
    this.body = body
    this.event = event
  }
}
