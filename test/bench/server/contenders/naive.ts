import { createServer, type ServerResponse } from 'node:http'
import { listen } from '../../../helpers/listen.ts'
import type { Contender } from '../contender.ts'

/** What one writes without a library: a set of responses and a loop. */
export function contender(): Contender {
  const responses = new Set<ServerResponse>()
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.flushHeaders()
    responses.add(response)
    response.once('close', () => responses.delete(response))
  })
  return {
    listen: () => listen(server),
    broadcast(data) {
      for (const response of responses) response.write(`data: ${data}\n\n`)
    },
    size: () => responses.size,
  }
}
