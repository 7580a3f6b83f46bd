import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { expectTypeOf } from 'vitest'
import {
  accept,
  adminHandler,
  bearer,
  type Connection,
  createHub,
  type Gap,
  type Hub,
  type ResponseConnection,
  type Subscriber,
} from '../../src/server/index.ts'

// What must compile, and after each `@ts-expect-error` what must not. Compiled by `npm run types`, never run.

interface Events {
  tick: { price: number }
  note: string
  message: { text: string }
}

// Without a map every event may be published.
const plain = createHub()
plain.publish({ type: 'anything', data: 1 })
plain.publish({ data: 'x', id: '1', retry: 5 })
plain.publish({ type: undefined, data: undefined })
expectTypeOf(plain.publish).returns.resolves.toEqualTypeOf<{ readonly id: string }>()

// With a map only its events may, with their data; a message needs no type.
const hub = createHub<Events>()
expectTypeOf(hub).toEqualTypeOf<Hub<Events, unknown>>()
hub.publish({ type: 'tick', data: { price: 1 } }, { topic: 'a' }, { idempotencyKey: 'k' })
hub.publish({ data: { text: 'x' } }, { topics: ['a'] })
hub.publish({ type: 'message', data: { text: 'x' } }, { client: 'c', except: 'd' })
hub.publish({ data: { text: 'x' } }, 'everyone')
// @ts-expect-error what is undefined by accident would be everyone
hub.publish({ data: { text: 'x' } }, { user: undefined })
// @ts-expect-error unknown type
hub.publish({ type: 'tock', data: { price: 1 } })
// @ts-expect-error wrong data
hub.publish({ type: 'tick', data: 'x' })
// @ts-expect-error data is missing
hub.publish({ type: 'note' })
// @ts-expect-error wrong data for a message
hub.publish({ data: 'x' })
// @ts-expect-error no such addressee
hub.publish({ type: 'note', data: 'x' }, { room: 'a' })

// What is known of subscribers is known everywhere.
interface Who {
  admin: boolean
}
const typed = createHub<Events, Who>({
  authorize: async (request) => {
    expectTypeOf(request.header('x')).toEqualTypeOf<string | undefined>()
    return request.query('token') === 'x'
      ? { user: 'u', metadata: { admin: true }, expires: new Date() }
      : { status: 403 }
  },
  onConnect(subscriber) {
    expectTypeOf(subscriber).toEqualTypeOf<Subscriber<Who>>()
    expectTypeOf(subscriber.metadata).toEqualTypeOf<Who | undefined>()
  },
  async onGap(gap, subscriber) {
    expectTypeOf(gap).toEqualTypeOf<Gap>()
    await subscriber.send({ type: 'snapshot', data: {} })
  },
  slow: { latest: (event) => event.topics[0] },
})
typed.publish({ type: 'note', data: 'x' }, { where: ({ metadata }) => metadata?.admin === true })
// @ts-expect-error not what the metadata is
typed.fetch(new Request('http://a'), { metadata: 1 })
createHub<Events, Who>({ authorize: () => true })
// @ts-expect-error not what the metadata is
createHub<Events, Who>({ authorize: () => ({ metadata: 5 }) })

// Node's http and http2.
declare const request: IncomingMessage
declare const response: ServerResponse
declare const request2: Http2ServerRequest
declare const response2: Http2ServerResponse
expectTypeOf(accept(request, response)).toEqualTypeOf<Connection>()
expectTypeOf(accept(request2, response2, { next() {} })).toEqualTypeOf<Connection>()
hub.handle(request2, response2, { next: () => {} })
hub.handle(request2, response2, () => {})
expectTypeOf(hub.handle(request, response)).resolves.toEqualTypeOf<Subscriber<unknown> | undefined>()

// The web's.
expectTypeOf(accept(new Request('http://a'), { heartbeat: 0 })).toEqualTypeOf<ResponseConnection>()
expectTypeOf(hub.fetch).returns.resolves.toEqualTypeOf<Response>()

// Frameworks.
express().get('/', (request, response, next) => void hub.handle(request, response, { topics: ['a'], next }))
express().get('/', hub.handle)
Fastify().get('/', (request, reply) => {
  reply.hijack()
  return hub.handle(request.raw, reply.raw)
})
new Koa().use((context) => {
  context.respond = false
  return hub.handle(context.req, context.res)
})
new Hono().get('/', (context) => hub.fetch(context.req.raw, { topics: ['a'] }))

// Every hub can be administered.
adminHandler(plain, { authorize: bearer('x') })
const admin = adminHandler(typed, { authorize: () => true })
admin(request, response)
admin.fetch(new Request('http://a'))
// @ts-expect-error authorize is missing
adminHandler(hub, {})

// `undefined` is as good as left out.
createHub({ history: undefined, slow: undefined, limits: { perUser: undefined }, onError: undefined })
accept(request, response, { maxQueued: undefined, heartbeat: undefined })
