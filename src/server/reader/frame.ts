import { sizeOf, toBytes } from './bytes.ts'

/** Bytes for many readers: made once, when they are first written, framed once, shared by every socket that they go to. */
export abstract class Bytes {
  abstract readonly text: string
  /** In bytes, as they are without the framing. */
  abstract readonly size: number
  #chunk: Uint8Array | undefined
  #payload: Uint8Array | undefined

  /** As an HTTP/1.1 chunk, RFC 9112 §7.1: size in hexadecimal, CRLF, payload, CRLF. */
  get chunk(): Uint8Array {
    this.#chunk ??= toBytes(`${this.size.toString(16)}\r\n${this.text}\r\n`)
    return this.#chunk
  }

  /** The event stream's bytes, for everything that frames by itself. */
  get payload(): Uint8Array {
    this.#payload ??= this.chunk.subarray(-2 - this.size, -2)
    return this.#payload
  }
}

/** Who waits for the bytes of a frame to leave. */
export interface Waiter {
  sent(): void
  failed(error: unknown): void
}

interface Source {
  readonly text: string
}

interface FrameFacts<Event> {
  readonly event?: Event | undefined
  readonly waiter?: Waiter | undefined
  readonly id?: string | undefined
}

/** One block of an event stream, on its way to one reader or to many. */
export class Frame<Event extends { readonly id: string } = { readonly id: string }> extends Bytes {
  /** The published event that it holds, if it holds one. Only those may be dropped. */
  readonly event: Event | undefined
  /** Where the reader of one that is its alone is waited for. */
  readonly waiter: Waiter | undefined
  /** The last event id that it leaves its reader with. */
  readonly id: string | undefined
  /** When it was made, in milliseconds of `performance.now()`. */
  readonly at = performance.now()

  readonly size: number
  readonly #source: string | Source

  /** What it holds is asked for when it is written, and not kept beside its bytes: a source has it at hand. */
  constructor(source: string | Source, { event, waiter, id = event?.id }: FrameFacts<Event> = {}) {
    super()
    this.#source = source
    this.size = sizeOf(this.text)
    this.event = event
    this.waiter = waiter
    this.id = id
  }

  get text(): string {
    return typeof this.#source === 'string' ? this.#source : this.#source.text
  }
}

/**
 * What one reader gets in this turn: a path of frames, so that readers of the same frames share one batch, and with it
 * the bytes that the frames are merged into. Events are delivered one after the other, each to all its readers: so the
 * path that was taken last is the only one worth remembering.
 */
export class Batch extends Bytes {
  readonly size: number
  /** Whether somebody waits for one of them. */
  readonly isAwaited: boolean
  readonly #frame: Frame | undefined
  readonly #before: Batch | undefined
  #next: Batch | undefined
  #frames: Frame[] | undefined

  /** Without a frame it is where the paths of a turn begin. */
  constructor(frame?: Frame, before?: Batch) {
    super()
    this.size = frame && before ? before.size + frame.size : 0
    this.isAwaited = frame?.waiter !== undefined || (before?.isAwaited ?? false)
    this.#frame = frame
    this.#before = before
  }

  /** This batch and one frame more. */
  with(frame: Frame): Batch {
    let next = this.#next
    if (!next || next.#frame !== frame) {
      next = new Batch(frame, this)
      this.#next = next
    }
    return next
  }

  get frames(): readonly Frame[] {
    if (!this.#frames) {
      this.#frames = []
      for (let batch: Batch | undefined = this; batch; batch = batch.#before)
        if (batch.#frame) this.#frames.push(batch.#frame)
      this.#frames.reverse()
    }
    return this.#frames
  }

  // Encoded at once: one by one it costs four times as much.
  get text(): string {
    let text = ''
    for (const frame of this.frames) text += frame.text
    return text
  }

  get bytes(): Bytes {
    return this.frames.length === 1 ? (this.frames[0] as Frame) : this
  }
}
