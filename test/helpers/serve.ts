import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { listen, shut } from './listen.ts'

/** A real HTTP server on the loopback, which knows its open sockets. */
export interface Served {
  readonly url: string
  readonly server: Server
  /** Every request so far. */
  readonly requests: readonly IncomingMessage[]
  /** How many sockets are open now. */
  readonly sockets: number
  /** Resolves when no socket is open any more; fails the test if that takes longer than a second. */
  idle(): Promise<void>
}

/** Serves until the test is finished, and fails it if it left a socket with a request under way. */
export async function serve(handler: RequestListener): Promise<Served> {
  const sockets = new Set<Socket>()
  const live = new Set<ServerResponse>()
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    live.add(response)
    response.on('close', () => live.delete(response))
    handler(request, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await listen(server)
  const served: Served = {
    url: `http://127.0.0.1:${port}/`,
    server,
    requests,
    get sockets() {
      return sockets.size
    },
    async idle() {
      // A client keeps a socket for the next request when an answer is over: such a one is open, and idle.
      for (let waited = 0; live.size > 0 && waited < 1000; waited += 5) await new Promise((done) => setTimeout(done, 5))
      expect(live.size, 'answers that are still under way').toBe(0)
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
