import express from 'express'
import { createHub } from 'unmissed/server'

export const hub = createHub()
export const app = express()

app.get('/events', (request, response) => hub.handle(request, response, { topics: ['news'] }))
