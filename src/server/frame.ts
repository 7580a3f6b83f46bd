const encoder = new TextEncoder()

/** Bytes for many readers: made once, framed once, shared by every socket that they are written to. */
export class Bytes {
  /** How many bytes of event stream these are, without the chunk's own. */
  readonly size: number
  /** An HTTP/1.1 chunk, RFC 9112 §7.1: size in hexadecimal, CRLF, payload, CRLF. */
  readonly chunk: Uint8Array
  #payload: Uint8Array | undefined

  constructor(parts: readonly Uint8Array[]) {
    let size = 0
    for (const part of parts) size += part.length
    const head = encoder.encode(`${size.toString(16)}\r\n`)
    const chunk = new Uint8Array(head.length + size + 2)
    chunk.set(head)
    let at = head.length
    for (const part of parts) {
      chunk.set(part, at)
      at += part.length
    }
    chunk.set([13, 10], at)
    this.size = size
    this.chunk = shared(chunk)
  }

  /** The event stream's bytes alone, for everything that frames by itself: a view, not a copy. */
  get payload(): Uint8Array {
    const start = this.chunk.length - 2 - this.size
    this.#payload ??= shared(this.chunk.subarray(start, start + this.size))
    return this.#payload
  }
}

// Node's streams make a Buffer of every Uint8Array that they are given, once per reader. One made here is made once.
function shared(bytes: Uint8Array): Uint8Array {
  return globalThis.Buffer ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes
}

/** One block of an event stream, on its way to one reader or to many. */
export class Frame extends Bytes {
  /** The published event that it holds, if it holds one. */
  readonly event: { readonly id: string } | undefined
  /** When it was made, in milliseconds of `performance.now()`. */
  readonly at: number

  constructor(text: string, event?: { readonly id: string }) {
    super([encoder.encode(text)])
    this.event = event
    this.at = performance.now()
  }
}

/**
 * What one reader gets in this turn: a path of frames, so that readers of the same frames share one node, and with it
 * the bytes that the frames are merged into. Two topics with a thousand readers each cost three nodes, not two thousand.
 */
export class Batch {
  readonly size: number
  readonly length: number
  private readonly frame: Frame | undefined
  readonly #before: Batch | undefined
  #last: Batch | undefined
  #others: Map<Frame, Batch> | undefined
  #path: readonly Frame[] | undefined
  #bytes: Bytes | undefined

  private constructor(frame: Frame | undefined, before: Batch | undefined) {
    this.size = before && frame ? before.size + frame.size : 0
    this.length = before ? before.length + 1 : 0
    this.frame = frame
    this.#before = before
  }

  /** Where the paths of one turn begin. */
  static root(): Batch {
    return new Batch(undefined, undefined)
  }

  /** This batch and one frame more. */
  with(frame: Frame): Batch {
    const last = this.#last
    if (last && last.frame === frame) return last
    let next = this.#others?.get(frame)
    if (!next) {
      next = new Batch(frame, this)
      if (last?.frame) {
        this.#others ??= new Map([[last.frame, last]])
        this.#others.set(frame, next)
      }
    }
    this.#last = next
    return next
  }

  get frames(): readonly Frame[] {
    if (!this.#path) {
      const frames: Frame[] = []
      for (let batch: Batch | undefined = this; batch; batch = batch.#before) if (batch.frame) frames.push(batch.frame)
      this.#path = frames.reverse()
    }
    return this.#path
  }

  get bytes(): Bytes {
    this.#bytes ??= this.length === 1 && this.frame ? this.frame : new Bytes(this.frames.map((frame) => frame.payload))
    return this.#bytes
  }
}
