import { UnmissedError } from '../../protocol/errors.ts'
import { BaseConnection, type Connection, LONGEST, type QueueOptions, unref } from './connection.ts'
import type { Exchange, Refusal } from '../http/exchange.ts'
import { acceptsEventStream, isCarriable, LONGEST_ID, streamHead, utf8 } from '../http/headers.ts'
import { NodeExchange, type NodeRequest, type NodeResponse } from '../http/node.ts'
import { WebExchange } from '../http/web.ts'

/** How `accept` makes a stream. */
export interface AcceptOptions extends QueueOptions {
  /** More headers for the stream's head. Default: none. */
  headers?: Record<string, string> | undefined
  /** The longest silence towards the reader, in milliseconds, announced in the head: then a comment is sent. `0` for no limit. Default: 15000. */
  heartbeat?: number | undefined
  /** The longest life of the connection, in milliseconds; it gets 80 to 100 % of it, and the reader returns. Default: none. */
  maxDuration?: number | undefined
  /** The methods that get a stream; others are answered 405. HEAD gets the head. Default: `['GET', 'POST']`. */
  methods?: readonly string[] | undefined
  /** Called instead of the answer 406 when the request does not accept `text/event-stream`. Default: none. */
  next?: (() => void) | undefined
}

/** A connection whose answer is returned, not written. */
export interface ResponseConnection extends Connection {
  /** What the handler returns: the stream, or the refusal. */
  readonly response: Response
}

/**
 * Makes an event stream of one request, at once. A request that gets none is answered, and its connection is closed
 * with the reason `refused`. Throws `cannot-stream` when the response has been used already.
 */
export function accept(request: NodeRequest, response: NodeResponse, options?: AcceptOptions): Connection
export function accept(request: Request, options?: Omit<AcceptOptions, 'next'>): ResponseConnection
export function accept(
  request: NodeRequest | Request,
  second: NodeResponse | AcceptOptions = {},
  third: AcceptOptions = {},
): Connection {
  const web = typeof request.headers.get === 'function'
  const exchange = web
    ? new WebExchange(request as Request)
    : new NodeExchange(request as NodeRequest, second as NodeResponse)
  const options = web ? (second as AcceptOptions) : third
  const head = { ...streamHead(options.heartbeat), ...options.headers }
  const refusal = judge(exchange, options.methods) ?? headOnly(exchange, head)
  const left = exchange.gone
  if (!refusal && !left) exchange.open(head)
  const connection = new AcceptedConnection(exchange, lastEventId(exchange) ?? '', options)
  if (refusal || left) {
    if (refusal?.status === 406 && options.next) options.next()
    else if (refusal) exchange.refuse(refusal)
    connection.reason = refusal ? 'refused' : 'left'
    connection.over()
  }
  return connection
}

/** Which methods get a stream: POST too, for clients that put their question in a body. */
export const METHODS: readonly string[] = ['GET', 'POST']

/** Why HTTP itself gives a request no stream, if it does. Throws where something else has answered already. */
export function judge(exchange: Exchange, methods: readonly string[] = METHODS): Refusal | undefined {
  if (exchange.answered) {
    throw new UnmissedError('cannot-stream', 'the response was used before: accept must be the first to write to it')
  }
  const { method } = exchange
  if (method !== 'HEAD' && !methods.includes(method)) {
    const Allow = [...methods, 'HEAD'].join(', ')
    return { status: 405, message: `use ${Allow}`, headers: { Allow } }
  }
  if (!acceptsEventStream(exchange.header('accept'))) return { status: 406, message: 'this is a text/event-stream' }
  if (lastEventId(exchange) === undefined) {
    return { status: 400, message: `a last event id has at most ${LONGEST_ID} characters, none of them a control` }
  }
  return undefined
}

/** RFC 9110 §9.3.2: HEAD is answered as GET would be, without the content. */
export function headOnly({ method }: Exchange, headers: Record<string, string>): Refusal | undefined {
  return method === 'HEAD' ? { status: 200, headers } : undefined
}

/** What the reader asks to resume after: `''` for nothing, `undefined` where it cannot be an id. */
export function lastEventId(exchange: Exchange): string | undefined {
  const id = utf8(exchange.header('last-event-id') ?? '') || (exchange.query('lastEventId') ?? '')
  return isCarriable(id) ? id : undefined
}

/** How long a connection lives of its longest life: spread, so that those that came together do not return together. */
export function lifetime(maxDuration: number): number {
  return maxDuration * (0.8 + 0.2 * Math.random())
}

class AcceptedConnection extends BaseConnection {
  readonly #timers: Array<ReturnType<typeof setInterval>> = []
  readonly #unsent = new Set<(error: Error) => void>()
  #silent = true

  constructor(exchange: Exchange, lastEventId: string, options: AcceptOptions) {
    super(exchange, lastEventId, options)
    const { heartbeat = 15_000, maxDuration } = options
    const every = (milliseconds: number, callback: () => void): void => {
      this.#timers.push(unref(setInterval(callback, Math.min(milliseconds, LONGEST))))
    }
    if (maxDuration) every(lifetime(maxDuration), () => this.end('expired'))
    if (heartbeat) {
      // Twice as often, so that silence that begins in between is not too long.
      every(heartbeat / 2, () => {
        if (this.#silent) this.comment()
        this.#silent = true
      })
    }
  }

  get response(): unknown {
    return (this.exchange as NodeExchange | WebExchange).response
  }

  protected write(text: string): Promise<void> {
    const { exchange } = this
    return new Promise((resolve, reject) => {
      this.#silent = false
      if (this.queued > (this.options.maxQueued ?? 2 ** 20)) {
        this.end('slow', true)
        return reject(this.error)
      }
      this.#unsent.add(reject)
      exchange.write(new TextEncoder().encode(text), () => {
        this.#unsent.delete(reject)
        this.drained()
        resolve()
      })
      if (exchange.held > 0) this.watch(true)
    })
  }

  /** Something was taken: the time that the reader has for the rest begins anew. */
  drained(): void {
    this.watch(false)
    if (this.exchange.held > 0) this.watch(true)
  }

  override over(): void {
    super.over()
    for (const timer of this.#timers) clearInterval(timer)
    for (const reject of this.#unsent) reject(this.error)
    this.#unsent.clear()
  }
}
