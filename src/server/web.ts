import { BaseConnection, type QueueOptions } from './connection.ts'
import { ConnectionClosed } from './errors.ts'
import { Exchange, type Refusal } from './exchange.ts'
import type { Bytes } from './frame.ts'

// Below this many bytes a reader counts as keeping up; the rest waits with us, where it can be counted and dropped.
const HIGH_WATER = 16_384

export class WebExchange extends Exchange {
  readonly address = undefined
  response: Response | undefined

  readonly raw: Request

  constructor(raw: Request) {
    super()
    this.raw = raw
  }

  override get method(): string {
    return this.raw.method
  }

  override get url(): string {
    return this.raw.url
  }

  override header(name: string): string | undefined {
    return this.raw.headers.get(name) ?? undefined
  }

  override get answered(): boolean {
    return this.response !== undefined
  }

  override get gone(): boolean {
    return this.raw.signal?.aborted ?? false
  }

  override refuse({ status, message = '', headers }: Refusal): void {
    const body = this.method === 'HEAD' || !message ? null : message
    this.response ??= new Response(body, { status, headers: headers ?? {} })
  }

  override open(head: Record<string, string>, lastEventId: string, options: QueueOptions): WebConnection {
    const connection = new WebConnection(this.raw.signal, head, lastEventId, options)
    this.response = connection.response
    return connection
  }
}

export class WebConnection extends BaseConnection {
  /** What to return from the handler. */
  readonly response: Response
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  readonly #signal: AbortSignal | undefined
  readonly #left = (): void => this.end('left', true)
  #next: (() => void) | undefined
  #done: Array<() => void> = []
  #waiting = false

  constructor(
    signal: AbortSignal | undefined,
    head: Record<string, string>,
    lastEventId: string,
    options: QueueOptions,
  ) {
    super(lastEventId, options)
    // One stream per reader and nothing in between: each TransformStream on the way costs as much again.
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#pull(),
        cancel: () => this.over(),
      },
      // By default chunks are counted, however long they are.
      { highWaterMark: HIGH_WATER, size: (chunk) => chunk.byteLength },
    )
    this.response = new Response(stream, { headers: head })
    this.#controller?.enqueue(new TextEncoder().encode(':\n\n'))
    this.#signal = signal
    // Not every runtime cancels the body of a response whose reader left.
    signal?.addEventListener('abort', this.#left, { once: true })
  }

  protected override get held(): number {
    return HIGH_WATER - (this.#controller?.desiredSize ?? HIGH_WATER)
  }

  protected override transmit(bytes: Bytes, done: ((error?: unknown) => void) | undefined): boolean {
    const controller = this.#controller
    if (!controller) return true
    controller.enqueue(bytes.payload)
    const size = controller.desiredSize ?? 0
    if (done && size === HIGH_WATER) done()
    else if (done) this.#done.push(done)
    this.#waiting = size <= 0
    if (done || this.#waiting) this.#listen()
    return !this.#waiting
  }

  protected override finish(): void {
    this.#controller?.close()
    this.over()
  }

  protected override destroy(): void {
    // An error, not an end: it empties the stream's queue at once.
    try {
      this.#controller?.error(new ConnectionClosed('slow'))
    } catch {}
  }

  protected override over(): void {
    this.#controller = undefined
    this.#signal?.removeEventListener('abort', this.#left)
    this.#next?.()
    super.over()
  }

  // A promise that stays open keeps the stream from asking for more after each chunk, which costs several promises
  // each time. We only want to be asked when we wait for the reader: then the promise is settled.
  #listen(): void {
    this.#next?.()
    this.#next = undefined
  }

  #pull(): Promise<void> | undefined {
    const done = this.#done
    this.#done = []
    for (const call of done) call()
    if (this.#waiting) {
      this.#waiting = false
      this.drained()
    }
    if (this.#waiting || this.#done.length > 0) return undefined
    return new Promise((resolve) => {
      this.#next = resolve
    })
  }
}
