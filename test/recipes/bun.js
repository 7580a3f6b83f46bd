import { createHub } from 'unmissed/server'

const hub = createHub()

const server = Bun.serve({
  port: process.env.PORT ?? 3000,
  async fetch(request, server) {
    if (request.method === 'POST')
      return Response.json(await hub.publish({ data: await request.text() }, { topic: 'news' }))
    server.timeout(request, 0) // Bun ends what is silent for 10 s; the heartbeat comes after 15
    return hub.fetch(request, { topics: ['news'] })
  },
})
console.log(`listening on ${server.url}`)
