import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { numbers } from './numbers.mjs'

const app = new Hono().get('/events', (context) =>
  streamSSE(context, async (stream) => {
    for await (const n of numbers(context.req.header('last-event-id')))
      await stream.writeSSE({ id: String(n), data: String(n) })
  }),
)
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
