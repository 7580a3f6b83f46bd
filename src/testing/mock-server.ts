import { fault } from '../check/check.ts'
import { anything, callable, type Rules } from '../check/rules.ts'
import type { HeadersInit, RequestInfo } from '../client/web-types.ts'
import { UnmissedError } from '../protocol/errors.ts'
import { createCollector } from './collector.ts'
import type { Cut } from './cut.ts'
import { exchange, type MockRequest } from './mock-request.ts'

export interface MockServerOptions {
  /** Called for each request as it comes, for a server that answers by itself. Default: none, the test takes it by `next()`. */
  onRequest?: ((request: MockRequest) => void) | undefined
  /** Headers of every answer, beside `content-type: text/event-stream`. Default: none. */
  headers?: HeadersInit | undefined
  /** How each write is cut into chunks: `byByte`, `at(…)`, `random(seed)` or your own. Default: a write is a chunk. */
  cut?: Cut | undefined
}

const RULES: Rules = { onRequest: callable, headers: anything, cut: callable }

export interface MockServer {
  /** To be given as the client's `fetch`. */
  readonly fetch: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>
  /** Every request so far, in order. */
  readonly requests: readonly MockRequest[]
  /** How many requests are not over. */
  readonly live: number
  /** The next request that was not taken yet, as soon as it is made. */
  next(): Promise<MockRequest>
}

/**
 * A `fetch` that a test scripts, and that behaves as the platform's: an abort errors the body with the signal's reason,
 * a cancel reaches the script, chunks come as they were cut. It sets no timer, so faked ones do not disturb it.
 */
export function createMockServer(options: MockServerOptions = {}): MockServer {
  const wrong = fault('createMockServer', options, RULES)
  if (wrong) throw new UnmissedError('invalid-option', wrong)
  // Throws for what no answer can have, here and not at the first request.
  new Headers(options.headers)
  const requests = createCollector<MockRequest>()
  let live = 0
  return {
    requests: requests.events,
    get live() {
      return live
    },
    next: async () => (await requests.take(1))[0] as MockRequest,
    fetch: (input, init) =>
      exchange(input, init, options, (request) => {
        live++
        void request.closed.then(() => live--)
        requests(request)
        options.onRequest?.(request)
      }),
  }
}
