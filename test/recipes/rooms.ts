import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { createHub } from 'unmissed/server'

export const hub = createHub<{ said: string }>()

/** `GET /kitchen` listens in the kitchen, `POST /kitchen` speaks there. */
export const server = createServer(async (request, response) => {
  const room = request.url ?? '/'
  if (request.method === 'POST') {
    const { id } = await hub.publish({ type: 'said', data: await text(request) }, { topic: room })
    response.end(id)
  } else await hub.handle(request, response, { topics: [room] })
})
