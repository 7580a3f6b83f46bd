import fastify from 'fastify'
import { createHub } from 'unmissed/server'

export const hub = createHub()
export const app = fastify()

app.get('/events', (request, reply) => {
  reply.hijack()
  return hub.handle(request.raw, reply.raw, { topics: ['news'] })
})
