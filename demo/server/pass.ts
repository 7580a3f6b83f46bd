import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http'

/** What becomes of an answer whose head has been passed on. */
export type Carry = (answer: IncomingMessage, response: ServerResponse) => void

const pipe: Carry = (answer, response) => {
  answer.pipe(response)
  // The server has left in the middle of its answer: so do we.
  answer.on('error', () => response.destroy())
}

/** Asks the server at a port for what was asked here, and passes its answer on as it comes; 503 where there is no server. */
export function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { port, path = request.url, carry = pipe }: { port: number; path?: string | undefined; carry?: Carry | undefined },
): void {
  const { method, headers } = request
  const outgoing = ask({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.flushHeaders()
    carry(answer, response)
  })
  outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(503).end()))
  response.on('close', () => outgoing.destroy())
  request.pipe(outgoing)
}
