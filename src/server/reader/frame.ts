const encoder = /* @__PURE__ */ new TextEncoder()

/** Bytes for many readers: made once, framed once, shared by every socket that they are written to. */
export class Bytes {
  /** The event stream's bytes, for everything that frames by itself. */
  readonly payload: Uint8Array
  /** The same as an HTTP/1.1 chunk, RFC 9112 §7.1: size in hexadecimal, CRLF, payload, CRLF. */
  readonly chunk: Uint8Array

  constructor(payloads: readonly Uint8Array[]) {
    let size = 0
    for (const payload of payloads) size += payload.length
    const start = encoder.encode(`${size.toString(16)}\r\n`)
    const chunk = new Uint8Array(start.length + size + 2)
    let at = 0
    for (const part of [start, ...payloads, encoder.encode('\r\n')]) {
      chunk.set(part, at)
      at += part.length
    }
    // Node's streams make a Buffer of every Uint8Array that they are given, once per reader. One made here is made once.
    this.chunk = globalThis.Buffer ? Buffer.from(chunk.buffer) : chunk
    this.payload = this.chunk.subarray(start.length, -2)
  }
}

/** Who waits for the bytes of a frame to leave. */
export interface Waiter {
  sent(): void
  failed(error: unknown): void
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

  constructor(text: string, { event, waiter, id = event?.id }: FrameFacts<Event> = {}) {
    super([encoder.encode(text)])
    this.event = event
    this.waiter = waiter
    this.id = id
  }
}

/**
 * What one reader gets in this turn: a path of frames, so that readers of the same frames share one batch, and with it
 * the bytes that the frames are merged into. Events are delivered one after the other, each to all its readers: so the
 * path that was taken last is the only one worth remembering.
 */
export class Batch {
  readonly size: number
  /** Whether somebody waits for one of them. */
  readonly isAwaited: boolean
  readonly #frame: Frame | undefined
  readonly #before: Batch | undefined
  #next: Batch | undefined
  #frames: Frame[] | undefined
  #bytes: Bytes | undefined

  /** Without a frame it is where the paths of a turn begin. */
  constructor(frame?: Frame, before?: Batch) {
    this.size = frame && before ? before.size + frame.payload.length : 0
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

  get bytes(): Bytes {
    const [first] = this.frames
    this.#bytes ??= first && this.frames.length === 1 ? first : new Bytes(this.frames.map(({ payload }) => payload))
    return this.#bytes
  }
}
