import { createServer } from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { listen } from '../../../helpers/listen.ts'
import type { Contender } from '../contender.ts'

export function contender(): Contender {
  const channel = createChannel()
  const server = createServer(async (request, response) => channel.register(await createSession(request, response)))
  return {
    listen: () => listen(server),
    broadcast: (data) => channel.broadcast(data),
    size: () => channel.sessionCount,
  }
}
