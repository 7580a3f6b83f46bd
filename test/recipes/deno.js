import { createHub } from 'unmissed/server'

const hub = createHub()

Deno.serve({ port: Number(Deno.env.get('PORT') ?? 3000), hostname: '127.0.0.1' }, async (request) => {
  if (request.method === 'POST')
    return Response.json(await hub.publish({ data: await request.text() }, { topic: 'news' }))
  return hub.fetch(request, { topics: ['news'] })
})
