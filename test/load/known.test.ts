import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accept, type Connection, ConnectionClosed, createHub, type Hub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { open, type Reader } from '../helpers/reader.ts'

// The tests that every hub of this kind has, under the names that people know them by.

let hub: Hub
let server: Server
let url: string
let accepted: Connection
let refused: Error[]

beforeEach(async () => {
  refused = []
  hub = createHub({ onError: (error) => refused.push(error as Error) })
  const next = (response: ServerResponse) => () => void response.end('<h1>a page</h1>')
  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    '/hub': (request, response) => hub.handle(request, response),
    '/hub-or-page': (request, response) => hub.handle(request, response, { next: next(response) }),
    '/accept': (request, response) => {
      accepted = accept(request, response, { next: next(response) })
    },
  }
  server = createServer((request, response) => routes[request.url ?? '']?.(request, response))
  url = `http://127.0.0.1:${await listen(server)}`
})
afterEach(async () => {
  await hub.close({ within: 500 })
  await shut(server)
})

const lines = (reader: Reader) => reader.bytes.toString().split('\n')

describe('events', () => {
  it('an event with all fields', async () => {
    const reader = await open(`${url}/accept`, { raw: true })
    await accepted.send({ type: 'greeting', data: 'hello', id: '7', retry: 4000 })
    expect(await reader.until(1)).toEqual([{ type: 'greeting', data: 'hello', id: '7' }])
    expect(lines(reader)).toEqual(expect.arrayContaining(['event: greeting', 'data: hello', 'id: 7', 'retry: 4000']))
  })

  it('empty fields are omitted', async () => {
    const reader = await open(`${url}/accept`, { raw: true })
    await accepted.send({ data: 'hello' })
    await reader.until(1)
    expect(reader.bytes.toString()).toBe(':\n\ndata: hello\n\n')
  })

  it('multi-line data is one event', async () => {
    const reader = await open(`${url}/hub`, { raw: true })
    await hub.publish({ data: 'one\ntwo\r\nthree\rfour' })
    expect((await reader.until(1))[0]?.data).toBe('one\ntwo\nthree\nfour')
    expect(lines(reader).filter((line) => line.startsWith('data: '))).toHaveLength(4)
  })

  it('1,000 events in one second to one client arrive in order', async () => {
    const reader = await open(`${url}/hub`)
    const sent: string[] = []
    for (let i = 0; i < 1000; i++) {
      sent.push(String(i))
      void hub.publish({ data: String(i) })
      if (i % 10 === 9) await sleep(10)
    }
    expect((await reader.until(1000)).map(({ data }) => data)).toEqual(sent)
  })
})

describe('connections', () => {
  it('defaults are applied: head, first comment, announced heartbeat', async () => {
    const reader = await open(`${url}/hub`, { raw: true })
    expect(reader.status).toBe(200)
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      unmissed: 'heartbeat=15000, ids=unique',
    })
    // A comment at once, then the position of the hub: whoever is cut off before the first event can resume, too.
    await expect.poll(() => reader.bytes.toString()).toMatch(/^:\n\nid: \w+\.0\n\n$/)
  })

  it.each([
    ['a missing Accept', undefined],
    ['an empty Accept', ''],
    ['*/*', '*/*'],
    ['text/*', 'text/*'],
    ['one among others', 'application/json;q=0.5, text/event-stream;q=0.2'],
  ])('%s is allowed', async (_name, value) => {
    // The helper always sends one.
    const headers = value === undefined ? {} : { accept: value }
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/hub`, { agent: false, headers }, resolve).on('error', reject)
    })
    expect(response.statusCode).toBe(200)
    response.destroy()
  })

  it.each(['/hub-or-page', '/accept'])('a request for something else passes through: %s', async (path) => {
    const response = await fetch(url + path, { headers: { accept: 'text/html' } })
    expect(await response.text()).toBe('<h1>a page</h1>')
    expect(hub.size).toBe(0)
  })

  it('a request for something else is refused where nothing else is there', async () => {
    const response = await fetch(`${url}/hub`, { headers: { accept: 'text/html, text/event-stream;q=0' } })
    expect(response.status).toBe(406)
    await response.text()
  })

  it('close twice', async () => {
    const reader = await open(`${url}/accept`)
    accepted.close()
    accepted.close()
    await reader.ended
    expect(await accepted.closed).toBe('closed')
    await hub.close()
    await hub.close()
  })

  it('send after close rejects with a typed error, and disturbs nobody who does not await it', async () => {
    const reader = await open(`${url}/accept`)
    accepted.close()
    void accepted.send('nobody awaits this')
    await expect(accepted.send('too late')).rejects.toBeInstanceOf(ConnectionClosed)
    await expect(accepted.send('too late')).rejects.toMatchObject({ code: 'connection-closed', reason: 'closed' })
    await reader.ended
    expect(reader.events).toEqual([])
  })

  it('send after the client has left rejects, too', async () => {
    const reader = await open(`${url}/accept`)
    reader.drop()
    expect(await accepted.closed).toBe('left')
    await expect(accepted.send('too late')).rejects.toMatchObject({ code: 'connection-closed', reason: 'left' })
  })

  it('publish after close rejects with a typed error', async () => {
    await hub.close()
    await expect(hub.publish({ data: 'too late' })).rejects.toMatchObject({ code: 'hub-closed' })
    expect(refused).toHaveLength(1)
  })

  it('100 connect and disconnect cycles leave nothing behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    for (let i = 0; i < 100; i++) {
      const reader = await open(`${url}/hub`)
      reader.drop()
    }
    await expect.poll(() => hub.size).toBe(0)
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    await expect.poll(sockets).toBe(before)
    expect(hub.stats()).toMatchObject({ connections: 0, users: {}, topics: {} })
  })

  it('a broadcast with a full buffer does not block', async () => {
    const stuck = await open(`${url}/hub`)
    stuck.pause()
    const reader = await open(`${url}/hub`)
    const data = 'x'.repeat(2 ** 18)
    for (let i = 1; i <= 64; i++) {
      await hub.publish({ data })
      await reader.until(i)
    }
    // 16 MiB were offered to both; the one that takes nothing is given up at its bound.
    await expect.poll(() => hub.size).toBe(1)
    stuck.drop()
    reader.drop()
  })
})
