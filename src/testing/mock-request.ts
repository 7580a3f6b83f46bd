import type { BodyInit, HeadersInit, RequestInfo } from '../client/web-types.ts'
import { comment, encode } from '../protocol/encode.ts'
import type { OutgoingEvent } from '../protocol/event.ts'
import type { Cut } from './cut.ts'

/** How an exchange ended: by the script (`end`, `drop`), or by the client (its signal, or `cancel` of the body). */
export type MockClosed = 'ended' | 'dropped' | 'aborted' | 'cancelled'

/** What `open` answers with. */
export interface MockHead {
  /** Default: 200. */
  status?: number | undefined
  /** Beside `content-type: text/event-stream`, and before it if it names another. Default: none. */
  headers?: HeadersInit | undefined
}

/** One request that the client made, and the answer that the test gives it. */
export interface MockRequest {
  /** Absolute: a relative one is taken from `http://localhost`. */
  readonly url: string
  readonly method: string
  readonly headers: Headers
  /** The body as it was given to `fetch`. */
  readonly body: BodyInit | null | undefined
  /** The client's signal, if it gave one. */
  readonly signal: AbortSignal | null | undefined
  /** Sends the head, and leaves the body open. The first `send`, `write`, `comment` or `end` does it by itself. */
  open(head?: MockHead): void
  /** Sends one event. */
  send(event: OutgoingEvent, cut?: Cut): void
  /** Sends bytes as they are, or text as UTF-8. */
  write(bytes: Uint8Array | string, cut?: Cut): void
  /** Sends a comment; without text it is a heartbeat. */
  comment(text?: string): void
  /** Ends the body, after what was sent. */
  end(): void
  /** Breaks the line: after what was sent, or instead of an answer. Default: the TypeError of Node's fetch. */
  drop(error?: unknown): void
  /** From here on nothing arrives any more, nor an end: a half-open line. Before the head: no answer at all. */
  stall(): void
  /** Answers with this status, and ends. A redirect is handed over as it is. */
  status(status: number, headers?: HeadersInit, body?: string): void
  /** How much of what was sent the client has not read yet, in chunks; the ending counts as one. */
  readonly unread: number
  /** Tells how the exchange ended, when it has. */
  readonly closed: Promise<MockClosed>
}

/** One exchange: returns what `fetch` returns, and hands the script's end of it to `accept`. */
export function exchange(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  defaults: { headers?: HeadersInit | undefined; cut?: Cut | undefined },
  accept: (request: MockRequest) => void,
): Promise<Response> {
  // What is thrown in here rejects the promise, as wrong arguments do with the platform's fetch.
  return new Promise((resolve, reject) => {
    // Of a string or a URL each of these is undefined.
    const given = input as Partial<Request>
    const method = (init?.method ?? given.method ?? 'GET').toUpperCase()
    const body = init?.body ?? given.body
    const signal = init?.signal ?? given.signal
    const { href } = new URL(given.url ?? (input as string), 'http://localhost')
    if (signal?.aborted) throw signal.reason

    /** What the client has not read yet, in order: each gives it one chunk, or the ending. */
    const queue: (() => void)[] = []
    let controller: ReadableByteStreamController | undefined
    let silent = false
    let wake = () => {}
    let leave!: (how: MockClosed) => void

    function finish(how: MockClosed) {
      silent = true
      queue.length = 0
      signal?.removeEventListener('abort', abort)
      leave(how)
    }
    function fail(how: MockClosed, reason: unknown) {
      finish(how)
      if (controller) controller.error(reason)
      else reject(reason)
    }
    function abort() {
      fail('aborted', signal?.reason)
    }
    signal?.addEventListener('abort', abort)

    const request: MockRequest = {
      url: href,
      method,
      headers: new Headers(init?.headers ?? given.headers),
      body,
      signal,
      closed: new Promise((resolve) => {
        leave = resolve
      }),
      get unread() {
        return queue.length
      },
      open({ status = 200, headers } = {}) {
        if (controller || silent) return
        const stream = new ReadableStream({
          type: 'bytes',
          start(made) {
            controller = made
          },
          // One chunk for one read, and the ending in its turn: what was sent before it is not lost.
          async pull() {
            while (!queue.length)
              await new Promise<void>((resolve) => {
                wake = resolve
              })
            queue.shift()?.()
          },
          cancel: () => finish('cancelled'),
        })
        const all = new Headers({ 'content-type': 'text/event-stream' })
        for (const some of [defaults.headers, headers]) for (const pair of new Headers(some)) all.set(...pair)
        // Fetch Standard, "null body status": `Response` refuses to be given a body with these.
        const bodiless = [204, 205, 304].includes(status)
        const answer = new Response(bodiless ? null : stream, { status, headers: all })
        resolve(Object.defineProperty(answer, 'url', { value: href }))
        if (bodiless) finish('ended')
      },
      send: (event, cut) => request.write(encode(event), cut),
      comment: (text) => request.write(comment(text)),
      write(bytes, cut = defaults.cut ?? ((bytes) => [bytes])) {
        for (const piece of cut(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)) {
          // Copied, because a byte stream takes the buffer from whoever gave it; and it takes no empty ones.
          const chunk = Uint8Array.from(piece)
          if (chunk.length) put(() => controller?.enqueue(chunk))
        }
      },
      end() {
        put(() => {
          finish('ended')
          controller?.close()
          // A reader that brought its own buffer waits for it (Streams Standard, `respond(0)`).
          controller?.byobRequest?.respond(0)
        })
      },
      drop(error = new TypeError(controller ? 'terminated' : 'fetch failed')) {
        const step = () => fail('dropped', error)
        if (controller) put(step)
        else if (!silent) step()
      },
      stall() {
        silent = true
      },
      status(status, headers, body = '') {
        request.open({ status, headers })
        request.write(body)
        request.end()
      },
    }
    function put(step: () => void) {
      if (silent) return
      request.open()
      queue.push(step)
      wake()
    }
    accept(request)
  })
}
