import { comment, encode } from '../../protocol/encode.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { ConnectionClosed } from '../errors.ts'
import type { Exchange, Owner } from '../http/exchange.ts'
import { report } from '../report.ts'
import type { CloseReason } from './close-reason.ts'
import { sendAll } from './send-all.ts'
import { Stall } from './stall.ts'

/** How a connection is closed. */
export interface EndOptions {
  /** Whether what still waits for the reader is let go, instead of sent first. Default: false. */
  now?: boolean | undefined
}

/** One reader, as the server sees it. */
export interface Connection {
  /** What the reader asks to resume after, from the header or the query; `''` where it asks for nothing. */
  readonly lastEventId: string
  /** Whether events can still be sent. */
  readonly open: boolean
  /** How many bytes wait for the reader, here and in its socket. */
  readonly queued: number
  /** Settles when the connection is over, with the reason. Never rejects. */
  readonly closed: Promise<CloseReason>
  /** Aborted when events can no longer be sent. */
  readonly signal: AbortSignal
  /**
   * Sends an event, or a string as the data of one. Resolves when its bytes have left our hands, so that a producer who
   * awaits it follows its reader; rejects with `ConnectionClosed` when they cannot. A rejection that nobody awaits
   * disturbs nobody.
   */
  send(event: OutgoingEvent | string): Promise<void>
  /**
   * Sends all that there is, at the reader's pace, and closes. Leaves the loop when the reader leaves. Rejects with what the
   * source threw, after closing.
   */
  sendAll(events: AsyncIterable<OutgoingEvent | string> | Iterable<OutgoingEvent | string>): Promise<void>
  /** Sends a comment, which readers ignore. */
  comment(text?: string): Promise<void>
  /** Ends the stream when what was sent has left. The reader will reconnect, unless it is told otherwise. */
  close(options?: EndOptions): void
}

/** How much may wait for one reader, and for how long. */
export interface QueueOptions {
  /** The most bytes that wait for one reader; as many again of what is sent to it alone. Default: 1048576. */
  maxQueued?: number | undefined
  /** How long a reader may take none of the bytes that wait for it, in milliseconds; then it is cut off. `0`: for ever. Default: 30000. */
  stallTimeout?: number | undefined
  /** Hears of errors that have nobody else to go to. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** What `maxQueued` and `stallTimeout` are where nobody says. */
export const MAX_QUEUED = 1_048_576
export const STALL_TIMEOUT = 30_000

/** The life of a connection: open, then ending with a reason, then over. What it writes with is for others to say. */
export abstract class BaseConnection implements Connection, Owner {
  readonly lastEventId: string
  readonly exchange: Exchange
  readonly options: QueueOptions
  /** Why it ends, from the moment that it does. */
  reason: CloseReason | undefined
  /** Whether nothing can be carried any more. */
  ended = false
  #closed: Promise<CloseReason> | undefined
  #settle: ((reason: CloseReason) => void) | undefined
  #controller: AbortController | undefined
  #stall: Stall | undefined

  constructor(exchange: Exchange, lastEventId: string, options: QueueOptions) {
    this.exchange = exchange
    this.lastEventId = lastEventId
    this.options = options
  }

  /** Writes a block, which may leave the reader with an id; settles as `send` does, and need not be looked at. */
  abstract write(text: string, id: string | undefined): Promise<void>
  /** Called when more can be carried. */
  abstract drained(): void

  get open(): boolean {
    return !this.reason
  }

  get queued(): number {
    return this.exchange.held
  }

  get closed(): Promise<CloseReason> {
    this.#closed ??= new Promise((resolve) => {
      if (this.ended) resolve(this.reason ?? 'left')
      else this.#settle = resolve
    })
    return this.#closed
  }

  // Made when it is asked for: most connections never need one, and it costs as much memory as all the rest.
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.reason) this.#controller.abort(this.error)
    }
    return this.#controller.signal
  }

  get error(): ConnectionClosed {
    return new ConnectionClosed(this.reason ?? 'left')
  }

  send(event: OutgoingEvent | string): Promise<void> {
    const fields = typeof event === 'string' ? { data: event } : event
    return this.#say(() => encode(fields), fields?.id)
  }

  comment(text?: string): Promise<void> {
    return this.#say(() => comment(text))
  }

  sendAll(events: AsyncIterable<OutgoingEvent | string> | Iterable<OutgoingEvent | string>): Promise<void> {
    return sendAll(this, events)
  }

  close({ now = false }: EndOptions = {}): void {
    this.end('closed', now)
  }

  /** Ends it: after what was written, or at once and without it. `last` also ends what carries it. */
  end(reason: CloseReason, now = false, last = false): void {
    if (this.ended || (this.reason && !now)) return
    this.reason ??= reason
    this.#controller?.abort(this.error)
    if (now) {
      this.exchange.destroy()
      this.over()
    } else {
      // A reader that takes nothing must not keep a closed connection.
      this.watch()
      this.finish(last)
    }
  }

  /** Called when nothing more can be carried. */
  over(): void {
    if (this.ended) return
    this.reason ??= 'left'
    this.ended = true
    this.#stall?.stop()
    this.#controller?.abort(this.error)
    this.#settle?.(this.reason)
  }

  protected finish(last: boolean): void {
    this.exchange.end(last)
  }

  /** Sees to it that the reader takes what was left behind. */
  watch(): void {
    if (this.ended) return
    this.#stall ??= new Stall(this.exchange, this.options.stallTimeout ?? STALL_TIMEOUT, () => this.end('slow', true))
    this.#stall.watch()
  }

  #say(text: () => string, id?: string): Promise<void> {
    try {
      if (this.reason) throw this.error
      return this.write(text(), id)
    } catch (error) {
      if (!this.reason) report(error, this.options)
      return unheard(Promise.reject(error))
    }
  }
}

/** Who awaits it is told; who does not must not lose the process over a reader that left. */
export function unheard<Kind>(promise: Promise<Kind>): Promise<Kind> {
  promise.catch(() => {})
  return promise
}
