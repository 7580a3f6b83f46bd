import { H3 } from 'h3'
import { createHub } from 'unmissed/server'

export const hub = createHub()
export const app = new H3()

app.get('/events', (event) => hub.fetch(event.req, { topics: ['news'] }))
