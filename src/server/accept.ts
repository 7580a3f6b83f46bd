import { UnmissedError } from '../protocol/errors.ts'
import { BaseConnection, type CloseReason, type Connection, type QueueOptions } from './connection.ts'
import type { Exchange, Refusal } from './exchange.ts'
import { acceptsEventStream, fromHeader, isCarriable, LONGEST_ID, streamHead } from './headers.ts'
import { NodeExchange, type NodeRequest, type NodeResponse } from './node.ts'
import { WebExchange } from './web.ts'

export interface AcceptOptions extends QueueOptions {
  /** More headers for the stream's head. Default: none. */
  headers?: Record<string, string> | undefined
  /** A comment is sent after so much silence, in milliseconds, and announced in the head; `0` for none. Default: 15000. */
  heartbeat?: number | undefined
  /** The longest life of the connection, in milliseconds: the reader returns, perhaps to another process. Default: none. */
  maxDuration?: number | undefined
  /** The methods that get a stream; others are answered 405. HEAD gets the head. Default: `['GET', 'POST']`. */
  methods?: readonly string[] | undefined
  /** Called instead of an answer when the request does not accept `text/event-stream`. Default: none, the answer is 406. */
  next?: (() => void) | undefined
  /** Hears what goes wrong without an end to the connection: an event that cannot be encoded. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** A connection whose answer is returned, not written. */
export interface ResponseConnection extends Connection {
  /** What the handler returns: the stream, or the refusal. */
  readonly response: Response
}

/**
 * Makes an event stream of one request, at once. A request that gets none is answered, and its connection is `closed`
 * with the reason `refused`. Throws `cannot-stream` when the response has been used already.
 */
export function accept(request: NodeRequest, response: NodeResponse, options?: AcceptOptions): Connection
export function accept(request: Request, options?: Omit<AcceptOptions, 'next'>): ResponseConnection
export function accept(
  request: NodeRequest | Request,
  second: NodeResponse | AcceptOptions = {},
  third: AcceptOptions = {},
): Connection {
  if (isRequest(request)) return enter(new WebExchange(request), second as AcceptOptions)
  return enter(new NodeExchange(request, second as NodeResponse), third)
}

function isRequest(request: NodeRequest | Request): request is Request {
  return typeof request.headers.get === 'function'
}

function enter(exchange: NodeExchange | WebExchange, options: AcceptOptions): Connection {
  const { heartbeat = 15_000, maxDuration, next, onError = console.error } = options
  const head = { ...streamHead(heartbeat, false), ...options.headers }
  const refusal = judge(exchange, options.methods) ?? headOnly(exchange, head)
  if (refusal) {
    if (refusal.status === 406 && next) next()
    else exchange.refuse(refusal)
    return new RefusedConnection(exchange, 'refused')
  }
  if (exchange.gone) return new RefusedConnection(exchange, 'left')
  const connection = exchange.open(head, lastEventId(exchange) ?? '', options)
  connection.onError = onError
  const timers = [
    heartbeat > 0 &&
      every(heartbeat / 2, () => {
        if (performance.now() - connection.touched >= heartbeat / 2) connection.comment()
      }),
    maxDuration && every(lifetime(maxDuration), () => connection.end('expired')),
  ]
  void connection.closed.then(() => {
    for (const timer of timers) clearInterval(timer || undefined)
  })
  return connection
}

/** How long a connection lives of its longest life: spread, so that those that came together do not return together. */
export function lifetime(maxDuration: number): number {
  return maxDuration * (0.8 + 0.2 * Math.random())
}

/** Why HTTP itself gives a request no stream, if it does. Throws where something else has answered already. */
export function judge(exchange: Exchange, methods: readonly string[] = ['GET', 'POST']): Refusal | undefined {
  if (exchange.answered) {
    throw new UnmissedError('cannot-stream', 'the response was used before: accept must be the first to write to it')
  }
  const { method } = exchange
  if (method !== 'HEAD' && !methods.includes(method)) {
    const allowed = [...new Set([...methods, 'HEAD'])].join(', ')
    return { status: 405, message: `use ${allowed}`, headers: { Allow: allowed } }
  }
  if (!acceptsEventStream(exchange.header('accept'))) return { status: 406, message: 'this is a text/event-stream' }
  if (lastEventId(exchange) === undefined) {
    return { status: 400, message: `a last event id has at most ${LONGEST_ID} characters and no control characters` }
  }
  return undefined
}

/** RFC 9110 §9.3.2: what GET would be answered, without the content. */
export function headOnly({ method }: Exchange, head: Record<string, string>): Refusal | undefined {
  return method === 'HEAD' ? { status: 200, headers: head } : undefined
}

/** What the reader asks to resume after: `''` for nothing, `undefined` where it cannot be an id. */
export function lastEventId(exchange: Exchange): string | undefined {
  const header = exchange.header('last-event-id')
  const id = header ? fromHeader(header) : (exchange.query('lastEventId') ?? '')
  return isCarriable(id) ? id : undefined
}

/** What is left of a connection that never began. */
class RefusedConnection extends BaseConnection {
  readonly response: Response | undefined
  protected override readonly held = 0

  constructor({ response }: { response: unknown }, reason: CloseReason) {
    super('', {})
    this.response = response as Response | undefined
    this.end(reason, true)
  }

  protected override transmit(): boolean {
    return true
  }
  protected override finish(): void {}
  protected override destroy(): void {}
}

function every(milliseconds: number, callback: () => void): ReturnType<typeof setInterval> {
  const timer = setInterval(callback, Math.min(milliseconds, 2 ** 31 - 1))
  ;(timer as { unref?(): void }).unref?.()
  return timer
}
