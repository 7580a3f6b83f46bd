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
  | 'run-failed'
  | 'invalid-option'

/** What is known of an error where it is made. */
export interface ConnectErrorFacts {
  /** The request that it is about, for the message. */
  where?: string | undefined
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
    const { where, cause, response, body, event } = facts
    super(code, [where, message, ...reasons(cause)].filter(Boolean).join(': '), { cause })
    this.retryable = retryable
    this.status = response?.status
    this.headers = response?.headers
    this.body = body
    this.event = event
  }
}

/** What a cause says, and what is behind it: Node's fetch only says that it failed. */
function reasons(cause: unknown): string[] {
  const said: string[] = []
  for (
    let at = cause as Partial<AggregateError & { cause: unknown }> | null | undefined;
    at != null && said.length < 5;
  ) {
    // Anything may be thrown.
    said.push(String(at.message ?? at))
    at = (at.cause ?? at.errors?.[0]) as typeof at
  }
  return said
}

/** A request as a message names it: without what may be secret in its address. */
export function nameOf(method: string, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`
}
