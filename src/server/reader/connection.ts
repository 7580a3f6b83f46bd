import { comment, encode } from '../../protocol/encode.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { ConnectionClosed } from '../errors.ts'
import type { Exchange } from '../http/exchange.ts'

/**
 * How a connection ended: we closed it, the reader left, its time was over, it read too slowly, it never began because
 * the request was refused, or it could not be given what it missed.
 */
export type CloseReason = 'closed' | 'left' | 'expired' | 'slow' | 'refused' | 'failed'

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
  /** Sends a comment, which readers ignore. */
  comment(text?: string): Promise<void>
  /** Ends the stream when what was sent has left. The reader will reconnect, unless it is told otherwise. */
  close(): void
}

/** How much may wait for one reader, and for how long. */
export interface QueueOptions {
  /** The most bytes that wait for one reader. Default: 1048576. */
  maxQueued?: number | undefined
  /** How long a reader may take nothing while bytes wait for it, in milliseconds; then it is cut off. `0`: for ever. Default: 30000. */
  stallTimeout?: number | undefined
  /** Hears of errors that have nobody else to go to. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** The longest wait that a timer can hold; beyond it `setTimeout` fires at once. */
export const LONGEST = 2 ** 31 - 1

/** The life of a connection: open, then ending with a reason, then over. What it writes with is for others to say. */
export abstract class BaseConnection implements Connection {
  readonly lastEventId: string
  readonly exchange: Exchange
  readonly options: QueueOptions
  /** Why it ends, from the moment that it does. */
  reason: CloseReason | undefined
  /** Whether nothing can be carried any more. */
  protected get ended(): boolean {
    return this.#over
  }
  #over = false
  #closed: Promise<CloseReason> | undefined
  #settle: ((reason: CloseReason) => void) | undefined
  #controller: AbortController | undefined
  #stall: ReturnType<typeof setTimeout> | undefined
  // One that `accept` made, when a hub has taken it over.
  readonly #before: BaseConnection | undefined

  constructor(exchange: Exchange, lastEventId: string, options: QueueOptions) {
    this.exchange = exchange
    this.lastEventId = lastEventId
    this.options = options
    this.#before = exchange.owner
    exchange.owner = this
  }

  /** Writes a block; settles as `send` does. */
  protected abstract write(text: string): Promise<void>
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
      if (this.#over) resolve(this.reason ?? 'left')
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
    return this.#say(() => encode(typeof event === 'string' ? { data: event } : event))
  }

  comment(text?: string): Promise<void> {
    return this.#say(() => comment(text))
  }

  close(): void {
    this.end('closed')
  }

  /** Ends it: after what was written, or at once and without it. */
  end(reason: CloseReason, now = false, last = false): void {
    if (this.#over || (this.reason && !now)) return
    this.reason ??= reason
    this.#controller?.abort(this.error)
    if (now) {
      this.exchange.destroy()
      this.over()
    } else {
      // A reader that takes nothing must not keep a closed connection.
      this.watch(true)
      this.finish(last)
    }
  }

  /** Called when nothing more can be carried. */
  over(): void {
    this.reason ??= this.#before?.reason ?? 'left'
    this.#over = true
    this.watch(false)
    this.#controller?.abort(this.error)
    this.#settle?.(this.reason)
    if (this.#before) {
      this.#before.reason ??= this.reason
      this.#before.over()
    }
  }

  protected finish(last: boolean): void {
    this.exchange.end(last)
  }

  /** Gives the reader time to take something, or stops counting it. */
  protected watch(waiting: boolean): void {
    if (!waiting || this.#over) {
      clearTimeout(this.#stall)
      this.#stall = undefined
    } else {
      const wait = Math.min(this.options.stallTimeout ?? 30_000, LONGEST) || LONGEST
      this.#stall ??= unref(setTimeout(() => this.end('slow', true), wait))
    }
  }

  #say(text: () => string): Promise<void> {
    let said: Promise<void>
    try {
      if (this.reason) throw this.error
      said = this.write(text())
    } catch (error) {
      if (!this.reason) report(error, this.options)
      said = Promise.reject(error)
    }
    // Who awaits it is told; who does not must not lose the process over a reader that left.
    said.catch(() => {})
    return said
  }
}

/** Tells an error to `onError`, whose own errors go nowhere. */
export function report(error: unknown, { onError = console.error }: Pick<QueueOptions, 'onError'>): void {
  try {
    onError(error)
  } catch {}
}

/** Keeps a timer from keeping the process, where timers do. */
export function unref<Timer>(timer: Timer): Timer {
  ;(timer as { unref?(): void }).unref?.()
  return timer
}
