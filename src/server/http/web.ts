import { OptionError } from '../check.ts'
import { Exchange, PIECE, type Refusal } from './exchange.ts'
import { merged } from './headers.ts'
import { account } from './problem.ts'

// Below this many bytes a reader counts as keeping up; the rest waits with us, where it can be counted and dropped.
const HIGH_WATER = 16_384

/** A request of the web: `Request` in, `Response` out. */
export class WebExchange extends Exchange {
  readonly raw: Request
  readonly address = undefined
  readonly socket = undefined
  #response: Response | undefined
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** Lets the stream ask for more, see `#pull`. */
  #ask: (() => void) | undefined
  /** What the stream has no room for. */
  readonly #pieces: Uint8Array[] = []
  #waiting = 0
  #done: Array<() => void> = []
  #full = false

  /** Throws for what is no request: frameworks hand on a context that holds one. */
  constructor(raw: Request) {
    super()
    if (typeof raw?.headers?.get !== 'function' || typeof raw.url !== 'string') {
      throw new OptionError('expected a Request, such as context.req.raw of Hono or event.req of h3')
    }
    this.raw = raw
  }

  get method(): string {
    return this.raw.method
  }

  get url(): string {
    return this.raw.url
  }

  header(name: string): string | undefined {
    return this.raw.headers.get(name) ?? undefined
  }

  get answered(): boolean {
    return !!this.#response
  }

  get gone(): boolean {
    return this.#signal?.aborted ?? false
  }

  served(): undefined {
    return undefined
  }

  /** What the handler returns. Nobody is left to see it where the reader has gone; 499 is how servers log that. */
  get response(): Response {
    this.#response ??= new Response(null, { status: this.gone ? 499 : 500 })
    return this.#response
  }

  refuse(refusal: Refusal): void {
    const { status } = refusal
    const said = account(refusal, this.header('accept'))
    // Fetch §2.2.3: these have no body, and a Response of them that is given one throws.
    const isBare = this.method === 'HEAD' || [204, 205, 304].includes(status)
    this.#response ??= new Response(isBare ? null : said?.body, {
      status,
      headers: merged(said?.headers, refusal.headers),
    })
  }

  open(headers: Record<string, string>, greeting = ''): void {
    // One stream per reader and nothing in between: each TransformStream on the way costs as much again.
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#pull(),
        cancel: this.#over,
      },
      // By default chunks are counted, however long they are.
      { highWaterMark: HIGH_WATER, size: (chunk) => chunk.byteLength },
    )
    this.#response = new Response(stream, { headers })
    this.write(new TextEncoder().encode(`:\n\n${greeting}`))
    // Not every runtime cancels the body of a response whose reader left.
    this.#signal?.addEventListener('abort', this.#left)
  }

  get held(): number {
    return HIGH_WATER - (this.#controller?.desiredSize ?? HIGH_WATER) + this.#waiting
  }

  progress(): string {
    return `${this.handed - this.held}`
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    this.handed += bytes.length
    this.#pieces.push(bytes)
    this.#waiting += bytes.length
    this.#fill()
    this.#full = this.held >= HIGH_WATER
    if (this.held === 0) done?.()
    else if (done) this.#done.push(done)
    if (this.#full || done) this.#ask?.()
    return !this.#full
  }

  end(): void {
    this.#fill(Number.NEGATIVE_INFINITY)
    this.#controller?.close()
    // What is in the stream is the reader's to take, and no more is heard of it.
    for (const done of this.#done.splice(0)) done()
    this.#over()
  }

  destroy(): void {
    // An error, not an end: it empties the stream's queue at once.
    this.#controller?.error(new Error('the reader was too slow, or the server had to stop'))
    this.#over()
  }

  skipBody(): void {}

  // Deno aborts it after a good answer too, and warns of whoever asks for it; its bodies are cancelled reliably.
  get #signal(): AbortSignal | undefined {
    return 'Deno' in globalThis ? undefined : this.raw.signal
  }

  readonly #left = (): void => {
    this.#controller?.close()
    this.#over()
  }

  readonly #over = (): void => {
    this.#controller = undefined
    this.#pieces.length = 0
    this.#waiting = 0
    this.#signal?.removeEventListener('abort', this.#left)
    this.#ask?.()
    this.owner?.over()
  }

  /**
   * Hands the stream what it has room for. A copy: a chunk belongs to whoever reads it, who may change it or hand it to another
   * thread, and ours are for all readers. Made when it is wanted, or each reader that is behind would hold one of everything.
   */
  #fill(least = 0): void {
    for (
      let [first] = this.#pieces;
      first && (this.#controller?.desiredSize ?? least) > least;
      [first] = this.#pieces
    ) {
      const chunk = first.subarray(0, PIECE)
      this.#controller?.enqueue(new Uint8Array(chunk))
      this.#waiting -= chunk.length
      if (chunk.length === first.length) this.#pieces.shift()
      else this.#pieces[0] = first.subarray(chunk.length)
    }
  }

  // A promise that stays open keeps the stream from asking for more after each chunk, which costs several promises
  // each time. We only want to be asked when we wait for the reader: then the promise is settled.
  #pull(): Promise<void> | undefined {
    this.#fill()
    if (this.#waiting > 0) return undefined
    for (const done of this.#done.splice(0)) done()
    if (this.#full && this.held < HIGH_WATER) {
      this.#full = false
      this.owner?.drained()
    }
    if (this.#full || this.#done.length > 0) return undefined
    return new Promise((resolve) => {
      this.#ask = resolve
    })
  }
}
