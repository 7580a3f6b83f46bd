import { startTimer, type Timer } from '../../log/timer.ts'
import { OptionError } from '../check.ts'
import type { Exchange, Owner } from '../http/exchange.ts'
import { merged, streamHead } from '../http/headers.ts'
import { headOnly, judge, lastEventId, type Negotiate } from '../http/negotiation.ts'
import { NodeExchange } from '../http/node.ts'
import type { NodeRequest, NodeResponse } from '../http/node-types.ts'
import { WebExchange } from '../http/web.ts'
import { report } from '../report.ts'
import { checkAcceptOptions } from './accept-options.ts'
import { Bundle, EARLY } from './bundle.ts'
import { toBytes } from './bytes.ts'
import type { CloseReason } from './close-reason.ts'
import { BaseConnection, type Connection, MAX_QUEUED, type QueueOptions } from './connection.ts'
import { lifetime } from './lifetime.ts'

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
  /** Which requests are for a stream, by their `Accept`: all but those for a page (`'lenient'`), those that accept `text/event-stream` (`'strict'`), or as a function says. Default: `'lenient'`. */
  negotiate?: Negotiate | undefined
  /** Called instead of the answer 406 when the request is not for a stream. Default: none. */
  next?: (() => void) | undefined
}

/** A connection whose answer is returned, not written. */
export interface ResponseConnection extends Connection {
  /** What the handler returns: the stream, or the refusal. */
  readonly response: Response
}

/**
 * Makes an event stream of one request, at once. A request that gets none is answered, and its connection is closed
 * with the reason `refused`. Throws `cannot-stream` when the response has been used already, and `invalid-option`
 * for options that cannot be meant. `next` of Express may stand in the options' place.
 */
export function accept(request: NodeRequest, response: NodeResponse, options?: AcceptOptions | (() => void)): Connection
export function accept(request: Request, options?: Omit<AcceptOptions, 'next'>): ResponseConnection
export function accept(
  request: NodeRequest | Request,
  second: NodeResponse | AcceptOptions = {},
  third: AcceptOptions | (() => void) = {},
): Connection {
  const web = typeof request?.headers?.get === 'function'
  const exchange = web
    ? new WebExchange(request as Request)
    : new NodeExchange(request as NodeRequest, second as NodeResponse)
  const own = typeof third === 'function' ? { next: third } : third
  const options = web ? (second as AcceptOptions) : own
  checkAcceptOptions(options)
  const head = merged(streamHead(options.heartbeat), options.headers)
  const refusal = judge(exchange, options) ?? headOnly(exchange, head)
  const left = exchange.gone
  const connection = new AcceptedConnection(exchange, lastEventId(exchange) ?? '', options)
  if (!refusal && !left) {
    exchange.owner = connection
    exchange.open(head)
    connection.start()
  } else {
    if (refusal?.status === 406 && options.next) options.next()
    else if (refusal) exchange.refuse(refusal)
    connection.reason = refusal ? 'refused' : 'left'
    connection.over()
  }
  return connection
}

/** What takes a connection over. */
export interface Heir extends Owner {
  readonly reason: CloseReason | undefined
  write(text: string, id: string | undefined): Promise<void>
  end(reason: CloseReason, now?: boolean, last?: boolean): void
}

/** A connection that `accept` made; a hub may take it over. */
export class AcceptedConnection extends BaseConnection {
  readonly #timers: Timer[] = []
  readonly #unsent = new Set<Bundle>()
  /** What was sent in this turn. */
  #bundle: Bundle | undefined
  readonly #options: AcceptOptions
  #heir: Heir | undefined
  #silent = true
  #spoke = false

  constructor(exchange: Exchange, lastEventId: string, options: AcceptOptions) {
    super(exchange, lastEventId, options)
    this.#options = options
  }

  /** Keeps it alive, for as long as it may live. */
  start(): void {
    const { heartbeat = 15_000, maxDuration } = this.#options
    if (maxDuration) this.#timers.push(startTimer(lifetime(maxDuration), () => this.end('expired')))
    if (heartbeat) {
      // Twice as often, so that silence that begins in between is not too long.
      const beat = (): void => {
        if (this.#silent) this.comment()
        this.#silent = true
      }
      this.#timers.push(startTimer(heartbeat / 2, beat))
    }
    // What was begun with the head is to be taken, too.
    if (this.exchange.held > 0) this.watch()
  }

  /** Lets a hub take the request over. Throws where one has already. */
  handOver(): Exchange {
    if (this.#heir) throw new OptionError('this connection has a hub already: it cannot be added twice')
    this.#stop()
    this.#flush()
    return this.exchange
  }

  /** From now on it lives as its heir does. */
  follow(heir: Heir): void {
    this.#heir = heir
    this.exchange.owner = {
      drained: () => heir.drained(),
      over: () => {
        heir.over()
        this.reason ??= heir.reason
        this.over()
      },
    }
  }

  override get open(): boolean {
    return this.#heir ? !this.#heir.reason : super.open
  }

  override end(reason: CloseReason, now = false, last = false): void {
    if (this.#heir) this.#heir.end(reason, now, last)
    else super.end(reason, now, last)
  }

  override get queued(): number {
    return super.queued + (this.#bundle?.size ?? 0)
  }

  get response(): unknown {
    return (this.exchange as NodeExchange | WebExchange).response
  }

  write(text: string, id: string | undefined): Promise<void> {
    if (this.#heir) return this.#heir.write(text, id)
    // Who answers has read the question.
    if (!this.#spoke) this.exchange.skipBody()
    this.#spoke = true
    this.#silent = false
    if (this.queued > (this.options.maxQueued ?? MAX_QUEUED)) {
      this.end('slow', true)
      throw this.error
    }
    const bundle = this.#bundle ?? this.#begin()
    bundle.add(text)
    if (bundle.size >= EARLY) this.#flush()
    return bundle.left
  }

  drained(): void {}

  override over(): void {
    super.over()
    this.#stop()
    for (const { failed } of this.#unsent) failed(this.error)
    this.#unsent.clear()
  }

  protected override finish(last: boolean): void {
    this.#flush()
    super.finish(last)
  }

  #begin(): Bundle {
    const bundle = new Bundle()
    this.#bundle = bundle
    this.#unsent.add(bundle)
    queueMicrotask(() => this.#flush())
    return bundle
  }

  /** Writes what was sent in this turn. */
  #flush(): void {
    const bundle = this.#bundle
    this.#bundle = undefined
    if (!bundle || this.ended) return
    try {
      this.exchange.write(toBytes(bundle.text), () => {
        this.#unsent.delete(bundle)
        bundle.sent()
      })
      if (this.exchange.held > 0) this.watch()
    } catch (error) {
      report(error, this.options)
      this.end('failed', true)
    }
  }

  #stop(): void {
    for (const timer of this.#timers.splice(0)) timer.stop()
  }
}
