import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createSession } from 'better-sse'
import { EventSource } from 'eventsource'
import { createParser } from 'eventsource-parser'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { createHub, type Hub } from '../../src/server/index.ts'
import { launch } from '../browsers/browser.ts'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { plainParse } from '../helpers/plain-parser.ts'

interface Seen {
  type: string
  data: string
  id: string
}

let server: Server | undefined
afterEach(() => server && shut(server))

async function start(listener: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  server = createServer(listener)
  return `http://127.0.0.1:${await listen(server)}/`
}

describe('our server is read by', () => {
  const script = [
    { data: 'plain' },
    { type: 'named', data: 'two\nlines' },
    { type: 'named', data: { json: 'é 日本 😀' } },
    { data: ' a space of its own' },
    { data: '' },
    { type: 'named', data: 'colon: comma, "quotes"' },
  ]
  const last = { data: 'after a cut' }
  let hub: Hub
  let url: string

  beforeEach(async () => {
    hub = createHub({ retry: 50 })
    url = await start((request, response) => {
      if (request.url === '/') hub.handle(request, response)
      // A browser asks for more than the page, and accepts anything where it hopes for an icon.
      else response.writeHead(request.url === '/page' ? 200 : 404, { 'content-type': 'text/html' }).end()
    })
  })
  afterEach(() => hub.close())

  async function publish(events = script): Promise<Seen[]> {
    const published: Seen[] = []
    for (const event of events) {
      const { id } = await hub.publish(event)
      const data = typeof event.data === 'string' ? event.data : JSON.stringify(event.data)
      published.push({ type: event.type ?? 'message', data, id })
    }
    return published
  }

  /** Whoever can reconnect is cut off, misses an event, and is to have it all the same. */
  async function throughACut(seen: () => Seen[] | Promise<Seen[]>): Promise<void> {
    await expect.poll(() => hub.size, { timeout: 20_000 }).toBe(1)
    const published = await publish()
    await expect.poll(seen, { timeout: 20_000 }).toEqual(published)
    // Published before it can be back: to be had by replay alone.
    hub.disconnect('everyone')
    published.push(...(await publish([last])))
    await expect.poll(seen, { timeout: 20_000 }).toEqual(published)
  }

  it('curl -N', async () => {
    const curl = spawn('curl', ['-sN', url])
    const chunks: Buffer[] = []
    curl.stdout.on('data', (chunk) => chunks.push(chunk))
    await expect.poll(() => hub.size).toBe(1)
    const published = await publish()
    const events = () => plainParse(Buffer.concat(chunks)).flatMap(([kind, event]) => (kind === 'event' ? [event] : []))
    await expect.poll(events).toEqual(published)
    curl.kill()
    await expect.poll(() => hub.size).toBe(0)
  })

  it('eventsource-parser', async () => {
    const leave = new AbortController()
    const response = await fetch(url, { signal: leave.signal })
    const seen: Seen[] = []
    const parser = createParser({
      onEvent: ({ event = 'message', data, id = '' }) => seen.push({ type: event, data, id }),
    })
    const reading = (async () => {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) parser.feed(text)
    })().catch(() => {})
    const published = await publish()
    await expect.poll(() => seen).toEqual(published)
    leave.abort()
    await reading
  })

  it('eventsource', async () => {
    const source = new EventSource(url)
    const seen: Seen[] = []
    for (const type of ['message', 'named'])
      source.addEventListener(type, ({ data, lastEventId }) => seen.push({ type, data, id: lastEventId }))
    await throughACut(() => seen)
    source.close()
  })

  it.runIf(wantedEngines().includes('chromium'))('the EventSource of Chromium', async () => {
    const browser = await launch('chromium')
    try {
      const page = await browser.open(`${url}page`)
      await page.evaluate(`
        globalThis.seen = []
        globalThis.source = new EventSource('/')
        for (const type of ['message', 'named'])
          source.addEventListener(type, ({ data, lastEventId }) => seen.push({ type, data, id: lastEventId }))
        true`)
      await throughACut(() => page.evaluate<Seen[]>('seen'))
    } finally {
      await browser.close()
    }
  })

  it('our client', async () => {
    const connection = connect(url)
    const seen: Seen[] = []
    connection.on(({ type, data, id }) => seen.push({ type, data, id }))
    await throughACut(() => seen)
    connection.close()
    await connection.closed
  })
})

describe('our client reads', () => {
  /** Connects, is cut off by the server after the first round, and comes back with the last id. */
  async function read(url: string, count: number): Promise<Seen[]> {
    const seen: Seen[] = []
    const connection = connect(url, { retry: { base: 20 } })
    connection.on(({ type, data, id }) => seen.push({ type, data, id }))
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(count)
    connection.close()
    await connection.closed
    return seen
  }

  it('better-sse', async () => {
    const asked: string[] = []
    const url = await start(async (request, response) => {
      const session = await createSession(request, response, { retry: 20 })
      asked.push(session.lastId)
      const next = Number(session.lastId || 0) + 1
      session.push('two\nlines', 'message', String(next))
      session.push({ json: 'é 日本 😀' }, 'named', String(next + 1))
      if (next === 1) response.end()
    })
    expect(await read(url, 4)).toEqual([
      { type: 'message', data: '"two\\nlines"', id: '1' },
      { type: 'named', data: '{"json":"é 日本 😀"}', id: '2' },
      { type: 'message', data: '"two\\nlines"', id: '3' },
      { type: 'named', data: '{"json":"é 日本 😀"}', id: '4' },
    ])
    expect(asked).toEqual(['', '2'])
  })

  it('hono', async () => {
    const asked: (string | undefined)[] = []
    const app = new Hono().get('/', (context) =>
      streamSSE(context, async (stream) => {
        const lastEventId = context.req.header('last-event-id')
        asked.push(lastEventId)
        const next = Number(lastEventId ?? 0) + 1
        await stream.writeSSE({ data: 'two\nlines', id: String(next), retry: 20 })
        await stream.writeSSE({ data: ' é 日本 😀', event: 'named', id: String(next + 1) })
        if (next > 1) await new Promise<void>((resolve) => stream.onAbort(resolve))
      }),
    )
    const url = await start(getRequestListener(app.fetch))
    expect(await read(url, 4)).toEqual([
      { type: 'message', data: 'two\nlines', id: '1' },
      { type: 'named', data: ' é 日本 😀', id: '2' },
      { type: 'message', data: 'two\nlines', id: '3' },
      { type: 'named', data: ' é 日本 😀', id: '4' },
    ])
    expect(asked).toEqual([undefined, '2'])
  })

  it('a server written by hand, with everything that the standard allows', async () => {
    const asked: (string | undefined)[] = []
    const url = await start((request, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined)
      response.writeHead(200, { 'content-type': 'Text/Event-Stream; charset=utf-8' })
      if (asked.length > 1) return void response.write('data:resumed\n\n')
      const body = Buffer.from(
        '\uFEFF:a comment\r\nretry:20\r\nid:1\r\ndata:no space\r\rdata\n\nid: é\nevent: named\ndata:  two\ndata: lines\nunknown: field\n\nid: 3\n\ndata: cut',
      )
      // One byte at a time: no border of a line, a character or an event is where a chunk ends.
      for (const byte of body) response.write(Buffer.of(byte))
      response.end()
    })
    expect(await read(url, 4)).toEqual([
      { type: 'message', data: 'no space', id: '1' },
      { type: 'message', data: '', id: '1' },
      { type: 'named', data: ' two\nlines', id: 'é' },
      { type: 'message', data: 'resumed', id: '3' },
    ])
    expect(asked).toEqual([undefined, '3'])
  })
})
