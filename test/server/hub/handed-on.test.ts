import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import express from 'express'
import { Hono } from 'hono'
import { describe, expect, test, vi } from 'vitest'
import { accept, adminHandler, createHub, type Hub, type HubOptions } from '../../../src/server/index.ts'
import { listen, shut } from '../../helpers/listen.ts'
import { after, read, serve, until } from '../serve.ts'

function hubOf(options: HubOptions = {}): Hub {
  const hub = createHub(options)
  after(() => hub.close({ within: 0 }))
  return hub
}

async function listenTo(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  const port = await listen(server)
  after(() => shut(server))
  return `http://127.0.0.1:${port}`
}

test('whatever is meant to be handed on has at most three parameters, or Express takes it for a handler of errors', () => {
  const hub = hubOf()
  const admin = adminHandler(hub, { authorize: () => true })
  expect(Math.max(...[hub.handle, hub.fetch, admin, admin.fetch, accept].map(({ length }) => length))).toBeLessThan(4)
})

describe('Express', () => {
  test('takes hub.handle as a route, as it is', async () => {
    const hub = hubOf()
    const app = express()
    app.get('/events', hub.handle)
    const reader = await read(`${await listenTo(app)}/events`)
    expect(reader.status).toBe(200)
    await until(() => hub.size === 1)
    await hub.publish({ data: 'x' })
    await reader.until(1)
  })

  test('goes on to the next handler where the request wants something else', async () => {
    const hub = hubOf()
    const app = express()
    app.get('/events', hub.handle, (_request, response) => void response.send('a page'))
    const url = `${await listenTo(app)}/events`
    expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toBe('a page')
    expect(hub.size).toBe(0)
  })

  test('never calls hub.handle with the error of another route', async () => {
    const onError = vi.fn()
    const hub = hubOf({ onError })
    const app = express()
    app.get('/broken', () => {
      throw new Error('mine')
    })
    app.use('/events', hub.handle)
    app.use(
      ((_error, _request, response, _next) => void response.status(500).send('told')) as express.ErrorRequestHandler,
    )
    const response = await fetch(`${await listenTo(app)}/broken`)
    expect([response.status, await response.text(), onError.mock.calls]).toEqual([500, 'told', []])
  })

  test('takes the handler of an administrator, as it is, behind a parser of bodies', async () => {
    const hub = hubOf()
    const app = express()
    app.use(express.json())
    app.use('/admin', adminHandler(hub, { authorize: () => true }))
    const url = await listenTo(app)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/admin/broadcast`, { method: 'POST', headers, body: '{"data":1}' })
    expect(response.status).toBe(202)
    expect((await fetch(`${url}/admin/stats`)).status).toBe(200)
  })

  test('takes accept as it is, whose third argument may then be next', async () => {
    const app = express()
    app.get('/events', accept, (_request, response) => void response.send('a page'))
    const url = `${await listenTo(app)}/events`
    expect((await read(url, { headers: { accept: 'text/event-stream' } })).headers['content-type']).toBe(
      'text/event-stream',
    )
    expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toBe('a page')
  })
})

describe('a platform of web requests', () => {
  const ask = () => new Request('http://a/events')
  class Server {
    requestIP() {}
  }
  test.each<[string, unknown[]]>([
    ['nothing more', []],
    ['undefined', [undefined]],
    ['bindings and a context, as Cloudflare', [{ topics: 'a binding', user: 'another' }, { waitUntil() {} }]],
    ['no bindings and a context', [undefined, { waitUntil() {} }]],
    ['a server, as Bun', [new Server()]],
    ['an address, as Deno', [{ remoteAddr: { hostname: '::1' }, completed: Promise.resolve() }]],
    ['the parameters of a route, as Next', [{ params: Promise.resolve({ topic: 'x' }) }]],
    ['a context, as Netlify and Vercel', [{ waitUntil() {}, geo: {}, next: async () => new Response() }]],
  ])('gives hub.fetch %s, which is not taken for a subscription', async (_, more) => {
    const onError = vi.fn()
    const hub = hubOf({ onError })
    const handlers = { fetch: hub.fetch as (...all: unknown[]) => Promise<Response> }
    const response = await handlers.fetch(ask(), ...more)
    expect([response.status, onError.mock.calls]).toEqual([200, []])
    const [subscriber] = hub.subscribers()
    expect(subscriber).toMatchObject({ user: undefined, topics: [] })
  })

  test('can still give a subscription of its own', async () => {
    const hub = hubOf()
    await hub.fetch(ask(), { topics: ['a'], user: 'u' })
    await hub.fetch(ask(), Object.assign(Object.create(null), { topics: ['a'] }))
    expect(hub.count({ topic: 'a' })).toBe(2)
  })

  test('may be Hono, which takes hub.fetch as the app of a path', async () => {
    const hub = hubOf()
    const app = new Hono().mount('/events', hub.fetch as (...all: unknown[]) => Promise<Response>)
    const response = await app.fetch(new Request('http://a/events'), { SECRET: 'x' })
    expect([response.status, hub.size]).toEqual([200, 1])
    await response.body?.cancel()
  })
})

describe('a mistake in handing on', () => {
  test('is an answer 500 and a clear error where hub.fetch is given a context instead of a request', async () => {
    const onError = vi.fn()
    const hub = hubOf({ onError })
    const app = new Hono().get('/events', hub.fetch as never)
    const response = await app.fetch(new Request('http://a/events'))
    expect(response.status).toBe(500)
    expect(onError).toHaveBeenCalledWith(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining('Request') }),
    )
  })

  test('is a clear error where hub.handle is given no response of Node’s, and rejects nothing', async () => {
    const onError = vi.fn()
    const hub = hubOf({ onError })
    const url = await serve((request, response) => {
      // As Koa would: (context, next).
      const handle = hub.handle as (...all: unknown[]) => Promise<unknown>
      return handle({ method: 'GET', url: '/', headers: request.headers, socket: request.socket }, () => {}).then(() =>
        response.end(),
      )
    })
    await (await fetch(url)).text()
    expect(onError).toHaveBeenCalledTimes(1)
    expect(onError).toHaveBeenCalledWith(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining('response') }),
    )
  })
})

test('a request that is refused over HTTP/1.1 leaves its connection to the next one', async () => {
  const hub = hubOf({ authorize: ({ url }) => url === '/in' })
  const url = await serve(hub.handle)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  after(() => socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', (data) => {
    text += data
  })
  socket.write('GET /out HTTP/1.1\r\nHost: a\r\n\r\nGET /in HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => text.includes('200 OK'))
  expect(text.indexOf('401')).toBeLessThan(text.indexOf('200 OK'))
})
