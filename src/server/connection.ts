import { comment, encode } from '../protocol/encode.ts'
import type { OutgoingEvent } from '../protocol/event.ts'
import { ConnectionClosed } from './errors.ts'
import { type Batch, type Bytes, Frame } from './frame.ts'
import { Queue } from './queue.ts'
import { begin, clock } from './turn.ts'

/**
 * How a connection ended: we closed it, the reader left, its time was over, it read too slowly, or it never began
 * because the request was refused; or it could not be given what it missed.
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

export interface QueueOptions {
  /** The most bytes that wait for one reader. Default: 1048576. */
  maxQueued?: number | undefined
  /** How long a reader may take nothing while bytes wait for it, in milliseconds; then it is cut off. `0`: for ever. Default: 30000. */
  stallTimeout?: number | undefined
}

/** What happens with a frame for a reader that is behind, when `room` bytes are left: false to give the reader up. */
export type Overflow = (queue: Queue, frame: Frame, room: number) => boolean

/** Gives up a reader that is too far behind: it returns, and is replayed what it missed. */
export const disconnect: Overflow = (queue, frame, room) => {
  if (frame.size > room) return false
  queue.add(frame)
  return true
}

/** Who looks after a connection, if not the application itself. */
export interface Owner {
  overflow: Overflow
  wrote(bytes: Bytes, frames: readonly Frame[]): void
  /** Called when a reader that was behind takes more again: what it has to be told first. */
  notice(): Frame | undefined
  over(reason: CloseReason): void
}

interface Waiter {
  mark: number
  resolve(): void
  reject(error: unknown): void
}

const ignore = (): void => {}

/** The queue of one reader, and how it ends. Below it is what carries the bytes, in node.ts and web.ts. */
export abstract class BaseConnection implements Connection {
  readonly lastEventId: string
  owner: Owner | undefined
  onError: ((error: unknown) => void) | undefined
  /** Whether what carries it should end with it, because the process is about to. */
  last = false
  #touched = clock()
  readonly #maxQueued: number
  readonly #stallTimeout: number
  #pushed = 0
  #batch: Batch | undefined
  /** Present while the reader is behind: what carries the bytes takes no more for now. */
  #queue: Queue | undefined
  #waiters: Waiter[] | undefined
  #stall: ReturnType<typeof setTimeout> | undefined
  #reason: CloseReason | undefined
  #over = false
  #closed: Promise<CloseReason> | undefined
  #settle: ((reason: CloseReason) => void) | undefined
  #controller: AbortController | undefined

  constructor(lastEventId: string, options: QueueOptions) {
    this.lastEventId = lastEventId
    this.#maxQueued = options.maxQueued ?? 2 ** 20
    this.#stallTimeout = options.stallTimeout ?? 30_000
  }

  /** Hands bytes on; `done` once they have left. False when nothing more is wanted until `drained()` is called. */
  protected abstract transmit(bytes: Bytes, done: ((error?: unknown) => void) | undefined): boolean
  /** How many bytes were handed on and have not left. */
  protected abstract get held(): number
  /** Ends the stream after what was handed on. */
  protected abstract finish(): void
  /** Ends the stream now, and lets go of what was handed on. */
  protected abstract destroy(): void

  get open(): boolean {
    return this.#reason === undefined
  }

  /** Whether frames wait because the reader takes no more. */
  get behind(): boolean {
    return this.#queue !== undefined
  }

  /** When something was last written, on the clock of `performance.now()`. A reader that is behind needs no heartbeat. */
  get touched(): number {
    return this.#queue ? clock() : this.#touched
  }

  get queued(): number {
    return this.#over ? 0 : this.held + (this.#batch?.size ?? 0) + (this.#queue?.size ?? 0)
  }

  get closed(): Promise<CloseReason> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#over) resolve(this.#reason ?? 'left')
      else this.#settle = resolve
    })
    return this.#closed
  }

  // Made when it is asked for: most connections never need one, and it costs as much memory as all the rest.
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (!this.open) this.#controller.abort(new ConnectionClosed(this.#reason ?? 'left'))
    }
    return this.#controller.signal
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

  /** Adds a frame to what is written at the end of this turn. */
  push(frame: Frame): void {
    if (this.#reason) return
    this.#pushed += frame.size
    this.#batch = this.#batch ? this.#batch.with(frame) : begin(this, frame)
  }

  /** Settles when everything pushed so far has left. */
  flushed(): Promise<void> {
    if (this.#reason) return Promise.reject(new ConnectionClosed(this.#reason))
    if (this.#gone === this.#pushed) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters ??= []
      this.#waiters.push({ mark: this.#pushed, resolve, reject })
    })
  }

  flush(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (!batch || this.#over) return
    try {
      if (this.#queue) this.#enqueue(this.#queue, batch)
      else this.#transmit(batch.bytes, batch.frames)
    } catch (error) {
      // One reader's trouble, whatever it is, is not the next one's.
      this.onError?.(error)
      this.end('failed', true)
    }
  }

  /** Ends the connection: after what was pushed, or at once and without it. */
  end(reason: CloseReason, now = false): void {
    if (this.#over || (this.#reason && !now)) return
    if (!now) this.flush()
    // Writing what was left may have found the reader too slow.
    if (this.#over) return
    this.#reason ??= reason
    this.#controller?.abort(new ConnectionClosed(this.#reason))
    if (now) {
      this.destroy()
      this.over()
      return
    }
    // A reader that takes nothing must not keep a closed connection.
    this.#watch()
    if (!this.#queue) this.finish()
  }

  /** Called from below when the reader has taken what was handed on. */
  protected drained(): void {
    if (this.#over) return
    clearTimeout(this.#stall)
    this.#stall = undefined
    const queue = this.#queue
    this.#queue = undefined
    const notice = this.owner?.notice()
    if (notice) {
      this.#pushed += notice.size
      this.#transmit(notice, [notice])
    }
    while (queue && !this.#queue) {
      const frame = queue.shift()
      if (!frame) break
      this.#transmit(frame, [frame])
    }
    if (queue?.length && !this.#over) this.#queue = queue
    else if (this.#reason && !this.#queue) this.finish()
    if (this.#reason) this.#watch()
  }

  /** Called from below when nothing more can be carried. */
  protected over(): void {
    if (this.#over) return
    this.#over = true
    this.#reason ??= 'left'
    clearTimeout(this.#stall)
    this.#batch = undefined
    this.#queue = undefined
    const error = new ConnectionClosed(this.#reason)
    for (const waiter of this.#waiters ?? []) waiter.reject(error)
    this.#waiters = undefined
    this.#controller?.abort(error)
    this.#settle?.(this.#reason)
    this.owner?.over(this.#reason)
  }

  get #gone(): number {
    return this.#pushed - (this.#batch?.size ?? 0) - (this.#queue?.size ?? 0)
  }

  #say(text: () => string): Promise<void> {
    let sent: Promise<void>
    try {
      if (this.#reason) throw new ConnectionClosed(this.#reason)
      this.push(new Frame(text()))
      sent = this.flushed()
    } catch (error) {
      if (!(error instanceof ConnectionClosed)) this.onError?.(error)
      sent = Promise.reject(error)
    }
    // Who awaits it is told; who does not must not lose the process over a reader that left.
    sent.catch(ignore)
    return sent
  }

  #transmit(bytes: Bytes, frames: readonly Frame[]): void {
    this.#touched = clock()
    const clear = this.transmit(bytes, this.#waiters && this.#settler(this.#gone))
    this.owner?.wrote(bytes, frames)
    if (clear || this.#over) return
    this.#queue ??= new Queue()
    this.#watch()
  }

  #settler(mark: number): ((error?: unknown) => void) | undefined {
    if (!this.#waiters?.some((waiter) => waiter.mark <= mark)) return undefined
    return (error) => {
      const waiters = this.#waiters
      // Where writing failed, the end of the connection follows; its reason is the better one to reject with.
      if (error || !waiters) return
      const settled = waiters.filter((waiter) => waiter.mark <= mark)
      this.#waiters = settled.length < waiters.length ? waiters.filter((waiter) => waiter.mark > mark) : undefined
      for (const waiter of settled) waiter.resolve()
    }
  }

  #enqueue(queue: Queue, batch: Batch): void {
    for (const frame of batch.frames) {
      const room = this.#maxQueued - this.held - queue.size
      const kept = this.owner ? this.owner.overflow(queue, frame, room) : disconnect(queue, frame, room)
      if (!kept) {
        this.end('slow', true)
        return
      }
    }
  }

  #watch(): void {
    if (this.#over || this.#stall || this.#stallTimeout <= 0) return
    this.#stall = setTimeout(() => this.end(this.#reason ?? 'slow', true), Math.min(this.#stallTimeout, 2 ** 31 - 1))
    // A stalled reader alone must not keep a process alive.
    ;(this.#stall as { unref?(): void }).unref?.()
  }
}
