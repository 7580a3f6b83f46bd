import Koa from 'koa'
import { createHub } from 'unmissed/server'

export const hub = createHub()
export const app = new Koa()

app.use((context, next) => {
  if (context.path !== '/events') return next()
  context.respond = false
  return hub.handle(context.req, context.res, { topics: ['news'] })
})
