import { createServer, type RequestListener, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { toNodeHandler } from 'h3/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { listen, shut } from '../helpers/listen.ts'
import { open } from '../helpers/reader.ts'
import * as express from './express.ts'
import * as fastify from './fastify.ts'
import * as h3 from './h3.ts'
import * as hono from './hono.ts'
import * as koa from './koa.ts'
import * as next from './next.ts'

const recipes = {
  Express: { hub: express.hub, handler: async () => express.app as RequestListener },
  Fastify: {
    hub: fastify.hub,
    handler: async (): Promise<RequestListener> => {
      await fastify.app.ready()
      return (request, response) => fastify.app.routing(request, response)
    },
  },
  Koa: { hub: koa.hub, handler: async () => koa.app.callback() as RequestListener },
  Hono: { hub: hono.hub, handler: async () => getRequestListener(hono.app.fetch) as RequestListener },
  h3: { hub: h3.hub, handler: async () => toNodeHandler(h3.app) as RequestListener },
  'a Next route handler': { hub: next.hub, handler: async () => getRequestListener(next.GET) as RequestListener },
}

it('a Next route handler is a function of a Request, and ends with its signal', async () => {
  const leave = new AbortController()
  const request = new Request('http://localhost/events', { signal: leave.signal })
  const response = await next.GET(request)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toMatch(/^:\n\nid: \w+\.0\n\n$/)
  expect(next.hub.size).toBe(1)
  leave.abort()
  await expect.poll(() => next.hub.size).toBe(0)
})

describe.each(Object.entries(recipes))('%s', (_name, { hub, handler }) => {
  let server: Server
  const log = vi.spyOn(console, 'error')
  afterEach(() => {
    log.mockClear()
    return shut(server)
  })

  it('gets every event at once, replays what was missed, and learns who has left', async () => {
    server = createServer(await handler())
    const url = `http://127.0.0.1:${await listen(server)}/events`
    const say = (data: string, topic = 'news') => hub.publish({ type: 'said', data }, { topic })

    const first = await open(url)
    expect(first.status).toBe(200)
    expect(first.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    await expect.poll(() => hub.size).toBe(1)
    for (const [index, word] of ['one', 'two', 'three'].entries()) {
      await say(word)
      expect((await first.until(index + 1)).at(-1)).toMatchObject({ type: 'said', data: word })
    }
    const lastEventId = first.events.at(-1)?.id
    first.drop()
    await expect.poll(() => hub.size).toBe(0)

    await say('four')
    await say('not for this topic', 'sports')
    const second = await open(url, { lastEventId })
    await say('five')
    expect((await second.until(2)).map(({ data }) => data)).toEqual(['four', 'five'])

    await hub.close()
    await second.ended
    // Adapters report what a body ends with; that a reader left is nobody's error.
    expect(log).not.toHaveBeenCalled()
  })
})
