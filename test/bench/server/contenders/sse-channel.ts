import { createServer } from 'node:http'
import SseChannel from 'sse-channel'
import { listen } from '../../../helpers/listen.ts'
import type { Contender } from '../contender.ts'

export function contender(): Contender {
  const channel = new SseChannel()
  const server = createServer((request, response) => channel.addClient(request, response))
  return {
    listen: () => listen(server),
    broadcast: (data) => channel.send({ data }),
    size: () => channel.getConnectionCount(),
  }
}
