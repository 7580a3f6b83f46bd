import { Hono } from 'hono'
import { createHub } from 'unmissed/server'

export const hub = createHub()
export const app = new Hono()

app.get('/events', (context) => hub.fetch(context.req.raw, { topics: ['news'] }))
