import type { Exchange } from '../http/exchange.ts'
import { Backlog } from './backlog.ts'
import { EARLY } from './bundle.ts'
import type { Batch, Bytes, Frame } from './frame.ts'
import { Hole, type Queue } from './queue.ts'
import { Rate } from './rate.ts'
import { begin } from './turn.ts'

/** Whose outbox it is. */
export interface Sender {
  /** Whether nothing more is to be written. */
  readonly ended: boolean
  end(reason: 'slow' | 'failed', now: boolean): void
  /** Something was left behind when it was written. */
  watch(): void
  /** Queues a published event, for which `room` bytes are left; false to give the reader up. */
  overflow(queue: Queue, frame: Frame, room: number): boolean
  /** Events are lost here, after the one that was `asked`. Nothing published is written until `release`. */
  fell(hole: Hole, asked: string): void
  wrote(bytes: Bytes, frames: readonly Frame[], now: number): void
  report(error: unknown): void
}

/** What is written to one reader, and what waits until it takes more. */
export class Outbox {
  /** When anything was written last, on the clock of `performance.now()`. */
  writtenAt = performance.now()
  /** When the reader was told last where in the log it is. */
  placedAt = this.writtenAt
  /** The id that the reader has of what was written. */
  sent = ''
  readonly #sender: Sender
  readonly #exchange: Exchange
  readonly #maxQueued: number
  readonly #early: number
  readonly #rate: Rate | undefined
  /** What was pushed in this turn. */
  #batch: Batch | undefined
  /** What carries the bytes takes no more for now. */
  #behind = false
  #draining = false
  #backlog: Backlog | undefined
  /** Published events wait while the application says what it has to say about a gap; that goes past them. */
  #held = false
  #awaited: Set<Frame> | undefined
  #onRoom: Array<() => void> | undefined
  #onEmpty: (() => void) | undefined

  constructor(sender: Sender, exchange: Exchange, maxQueued: number, bytesPerSecond: number | undefined) {
    this.#sender = sender
    this.#exchange = exchange
    this.#maxQueued = maxQueued
    this.#early = Math.min(EARLY, maxQueued)
    if (bytesPerSecond !== undefined) this.#rate = new Rate(bytesPerSecond, () => this.drained())
  }

  /** How many bytes wait here. */
  get size(): number {
    return (this.#batch?.size ?? 0) + (this.#backlog?.size ?? 0)
  }

  get isBehind(): boolean {
    return this.#behind
  }

  /** Whether what waits is held back until the reader was told of a hole. */
  get isHeld(): boolean {
    return this.#held
  }

  /** Adds a frame to what is written at the end of this turn. */
  push(frame: Frame): void {
    if (frame.waiter) {
      this.#awaited ??= new Set()
      this.#awaited.add(frame)
    }
    this.#batch = this.#batch ? this.#batch.with(frame) : begin(this, frame)
    if (this.#batch.size >= this.#early) this.flush()
  }

  /** Writes what was pushed in this turn. */
  flush(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (!batch || this.#sender.ended) return
    try {
      if (!this.#behind && !this.#held) this.#write(batch.bytes, batch.frames, batch.isAwaited)
      else for (const frame of batch.frames) this.#enqueue(frame)
    } catch (error) {
      // One reader's trouble, whatever it is, is not the next one's.
      this.#sender.report(error)
      this.#sender.end('failed', true)
    }
  }

  /** Writes what waits, as far as it is taken. */
  drained(): void {
    if (this.#sender.ended || this.#rate?.isExhausted) return
    this.#behind = false
    // One system call for as much as is taken.
    const { socket } = this.#exchange
    socket?.cork()
    for (let next = this.#next(); next; next = this.#next()) {
      if (next instanceof Hole) {
        // One that leaves will ask again, from before the hole.
        if (this.#onEmpty) this.#backlog?.keepOwn()
        else {
          // What waits behind it goes on when the reader has been told.
          this.#held = true
          this.#sender.fell(next, this.sent)
        }
      } else this.#write(next, [next], next.waiter !== undefined)
    }
    socket?.uncork()
    if (this.#backlog?.isEmpty) this.#backlog = undefined
    if (this.#behind || this.#backlog || this.#held) return
    this.#settleRoom()
    const onEmpty = this.#onEmpty
    this.#onEmpty = undefined
    onEmpty?.()
  }

  /** Resolves when nothing waits to be taken, nor to be told, or the reader is gone. */
  room(): Promise<void> | undefined {
    this.flush()
    if ((!this.#behind && !this.#held && !this.#backlog) || this.#sender.ended) return undefined
    return new Promise((resolve) => {
      this.#onRoom ??= []
      this.#onRoom.push(resolve)
    })
  }

  /** The reader was told of a hole: what waits behind it goes on. */
  release(): void {
    if (!this.#held) return
    this.flush()
    this.#held = false
    if (!this.#behind) this.drained()
  }

  /** Calls back when all is written. */
  finish(whenEmpty: () => void): void {
    this.flush()
    // Behind a hole that it is being told of, nothing comes without what the application has to say: it will ask again.
    if (this.#held) this.#backlog?.keepOwn()
    this.#held = false
    this.#onEmpty = whenEmpty
    if (!this.#behind) this.drained()
  }

  /** Nothing can be written any more. */
  over(error: () => unknown): void {
    this.#rate?.stop()
    this.#batch = undefined
    this.#backlog = undefined
    this.#onEmpty = undefined
    this.#settleRoom()
    if (this.#awaited) for (const { waiter } of this.#awaited) waiter?.failed(error())
    this.#awaited = undefined
  }

  #next(): Frame | Hole | undefined {
    return this.#behind || this.#sender.ended ? undefined : this.#backlog?.take(this.#held)
  }

  #enqueue(frame: Frame): void {
    if (this.#sender.ended) return
    this.#backlog ??= new Backlog()
    const room = this.#maxQueued - this.#exchange.held - this.#backlog.size
    if (frame.event) {
      if (!this.#sender.overflow(this.#backlog.queue, frame, room)) this.#sender.end('slow', true)
    } else if (this.#backlog.ownSize + frame.size > this.#maxQueued) {
      // What is sent to one reader alone is never dropped: who sent it was promised to hear of it. So it has its own bound.
      this.#sender.end('slow', true)
    } else {
      this.#backlog.add(frame, this.#held)
      if (this.#held && !this.#behind) this.drained()
    }
  }

  #write(bytes: Bytes, frames: readonly Frame[], isAwaited: boolean): void {
    const now = performance.now()
    this.writtenAt = now
    const id = frames.findLast((frame) => frame.id !== undefined)?.id
    if (id !== undefined) {
      this.sent = id
      this.placedAt = now
    }
    const done = isAwaited ? this.#whenSent(frames) : undefined
    const clear = this.#hand(bytes, done)
    this.#sender.wrote(bytes, frames, now)
    if (this.#exchange.held > 0) this.#sender.watch()
    if (!clear || this.#rate?.spend(bytes.size, now)) this.#behind = true
  }

  #hand(bytes: Bytes, done: (() => void) | undefined): boolean {
    const { socket } = this.#exchange
    if (!socket) return this.#exchange.write(bytes.payload, done)
    // Not writable: it is about to close, and writing would make that an error.
    if (!socket.writable) return true
    this.#exchange.handed += bytes.chunk.length
    const clear = socket.write(bytes.chunk, done && ((error) => error || done())) || socket.writableLength === 0
    if (!clear && !this.#draining) {
      this.#draining = true
      socket.once('drain', () => {
        this.#draining = false
        this.drained()
      })
    }
    return clear
  }

  #whenSent(frames: readonly Frame[]): () => void {
    return () => {
      for (const frame of frames) {
        if (frame.waiter && this.#awaited?.delete(frame)) frame.waiter.sent()
      }
    }
  }

  #settleRoom(): void {
    for (const resolve of this.#onRoom ?? []) resolve()
    this.#onRoom = undefined
  }
}
