import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { expect, onTestFinished } from 'vitest'
import { listen, shut } from './listen.ts'

/**
 * A real HTTP server on the loopback, which knows what is under way. A socket alone says nothing: Node's fetch keeps one
 * for the next request when an answer is over, and opens a spare one when an answer is aborted.
 */
export interface Served {
  readonly url: string
  readonly server: Server
  /** Every request so far. */
  readonly requests: readonly IncomingMessage[]
  /** How many sockets have an answer under way. */
  readonly busy: number
  /** Resolves when there is none any more; fails the test if that takes longer than a second. */
  idle(): Promise<void>
}

/** Serves until the test is finished, and fails it if it left a socket with a request under way. */
export async function serve(handler: RequestListener): Promise<Served> {
  const live = new Set<ServerResponse>()
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    live.add(response)
    response.on('close', () => live.delete(response))
    handler(request, response)
  })
  const port = await listen(server)
  const served: Served = {
    url: `http://127.0.0.1:${port}/`,
    server,
    requests,
    get busy() {
      return live.size
    },
    async idle() {
      for (let waited = 0; live.size > 0 && waited < 1000; waited += 5) await new Promise((done) => setTimeout(done, 5))
      expect(live.size, 'sockets with an answer under way').toBe(0)
    },
  }
  onTestFinished(async () => {
    try {
      await served.idle()
    } finally {
      await shut(server)
    }
  })
  return served
}

/** The head of a stream of events. */
export function begin(response: ServerResponse, headers: Record<string, string> = {}): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
  response.flushHeaders()
  return response
}
