import sse from '@fastify/sse'
import fastify from 'fastify'
import { numbers } from './numbers.mjs'

const app = fastify()
await app.register(sse)
app.get('/events', { sse: true }, async (_, reply) => {
  for await (const n of numbers(reply.sse.lastEventId)) await reply.sse.send({ id: String(n), data: n })
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
