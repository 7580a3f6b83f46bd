import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { type ConnectError, type ConnectOptions, connect, type ServerSentEvent } from '../../src/index.ts'
import { listen } from '../helpers/listen.ts'
import { begin, serve } from '../helpers/serve.ts'
import { bytesOf } from '../helpers/stream.ts'

// Closing, cancelling, stalling and pressing back, over real sockets: a mock knows only what its author knew.

type Options = ConnectOptions & { parse?: undefined; schemas?: undefined }
const soon: Options = { retry: { base: 10, max: 50 } }
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function until(condition: () => boolean, what: string) {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 3000) throw new Error(`waited in vain: ${what}`)
    await pause(5)
  }
}

/** Connects until the test is finished. */
function start(url: string, options: Options = {}) {
  const errors: ConnectError[] = []
  const events: ServerSentEvent[] = []
  const connection = connect(url, { ...soon, onError: (error) => void errors.push(error), ...options })
  connection.on((event) => void events.push(event))
  onTestFinished(() => connection.close())
  return { connection, errors, events }
}

const event = (id: number) => `id: ${id}\ndata: ${id}\n\n`

describe('what goes over the wire', () => {
  it('is what the standard asks for, each header once', async () => {
    const server = await serve((_, response) => void response.writeHead(204).end())
    await start(server.url, { headers: { Authorization: 'Bearer t' } }).connection.closed
    const [{ rawHeaders, method } = { rawHeaders: [] as string[], method: '' }] = server.requests
    const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    expect(method).toBe('GET')
    expect(server.requests[0]?.headers).toMatchObject({
      accept: 'text/event-stream',
      'cache-control': 'no-cache',
      authorization: 'Bearer t',
    })
    for (const name of ['accept', 'cache-control', 'authorization'])
      expect(names.filter((other) => other === name)).toHaveLength(1)
    expect(names).not.toContain('last-event-id')
  })
  it('is an id in its UTF-8 bytes', async () => {
    let count = 0
    const server = await serve((_, response) => void begin(response).end(`id: é€😀${++count}\ndata: a\n\n`))
    const { connection } = start(server.url)
    await until(() => server.requests.length > 1, 'the second request')
    connection.close()
    const [, value] = server.requests.map((request) => request.headers['last-event-id'])
    expect(Buffer.from(`${value}`, 'latin1').toString()).toBe('é€😀1')
  })
  it('is a POST with its body', async () => {
    const bodies: string[] = []
    const server = await serve(async (request, response) => {
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      bodies.push(Buffer.concat(chunks).toString())
      begin(response).end('data: a\n\ndata: [DONE]\n\n')
    })
    const { connection, events } = start(server.url, {
      retry: undefined,
      method: 'POST',
      body: '{"stream":true}',
      headers: { 'content-type': 'application/json' },
      until: '[DONE]',
    })
    expect(await connection.closed).toBe('ended')
    expect(events.map(({ data }) => data)).toEqual(['a'])
    expect(bodies).toEqual(['{"stream":true}'])
  })
  it('may be a body that streams', async () => {
    let got = ''
    const server = await serve(async (request, response) => {
      for await (const chunk of request) got += chunk
      response.writeHead(204).end()
    })
    const stream = () => bytesOf('a', 'b') as ReadableStream<Uint8Array<ArrayBuffer>>
    await start(server.url, { method: 'POST', body: stream }).connection.closed
    expect(got).toBe('ab')
  })
})

describe('closing', () => {
  it('ends the answer on the server', async () => {
    const server = await serve((_, response) => void begin(response).write(event(1)))
    const { connection, events } = start(server.url)
    await until(() => events.length > 0, 'the event')
    connection.close()
    await server.idle()
  })
  it('in a listener stops at once, though the chunk holds more', async () => {
    const server = await serve((_, response) => void begin(response).write(event(1) + event(2) + event(3)))
    const { connection, events } = start(server.url)
    connection.on(() => connection.close())
    await connection.closed
    await server.idle()
    await pause(20)
    expect(events.map(({ id }) => id)).toEqual(['1'])
    expect(server.requests).toHaveLength(1)
  })
  it('while the answer is not there yet gives up the request', async () => {
    const server = await serve(() => {})
    const { connection } = start(server.url)
    await until(() => server.requests.length === 1, 'the request')
    connection.close()
    await server.idle()
  })
  it.each(['pause', 'reconnect', 'close'] as const)('or %s leaves no answer under way', async (act) => {
    const server = await serve((_, response) => void begin(response).write(event(1)))
    const { connection, events } = start(server.url)
    await until(() => events.length > 0, 'the event')
    connection[act]()
    if (act === 'reconnect') await until(() => server.requests.length === 2, 'the second request')
    connection.close()
    await server.idle()
  })
  it('leaves no listener at the caller’s signal, and no unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const server = await serve((_, response) => void begin(response).write(event(1)))
    const abort = new AbortController()
    for (let i = 0; i < 20; i++) {
      const { connection, events } = start(server.url, { signal: abort.signal })
      if (i % 2) await until(() => events.length > 0, 'the event')
      if (i % 3) connection.reconnect()
      connection.close()
    }
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
    await server.idle()
    await pause(20)
    expect(unhandled).not.toHaveBeenCalled()
  })
  it('by leaving a loop ends the answer on the server', async () => {
    const server = await serve((_, response) => void begin(response).write(event(1) + event(2)))
    for await (const { id } of start(server.url).connection) if (id === '2') break
    await server.idle()
  })
})

describe('an answer that is refused', () => {
  test.each([
    [
      'another status',
      (response: import('node:http').ServerResponse) =>
        response.writeHead(404, { 'content-type': 'text/event-stream' }),
    ],
    [
      'another type',
      (response: import('node:http').ServerResponse) => response.writeHead(200, { 'content-type': 'text/html' }),
    ],
    ['a redirect to nowhere', (response: import('node:http').ServerResponse) => response.writeHead(302)],
  ])('for %s is closed, though its body never ends', async (_, head) => {
    const server = await serve((_request, response) => {
      head(response)
      const timer = setInterval(() => response.write('data: x\n\n'), 5)
      response.on('close', () => clearInterval(timer))
    })
    const { connection, events } = start(server.url)
    expect(await connection.closed).toBe('failed')
    await server.idle()
    expect(events).toEqual([])
  })
  it('again and again leaves no body open', async () => {
    const server = await serve((_, response) => void response.writeHead(503).write('no'))
    const { connection, errors } = start(server.url)
    await until(() => errors.length > 3, 'some errors')
    connection.close()
    expect(errors.every(({ status, body }) => status === 503 && body === 'no')).toBe(true)
    await server.idle()
  })
})

describe('a line that breaks', () => {
  it('in the middle of an event, by reset, costs and doubles nothing', async () => {
    let next = 1
    const server = await serve((request, response) => {
      const from = Number(request.headers['last-event-id'] ?? 0) + 1
      expect(from).toBe(next)
      begin(response)
      for (let id = from; id < from + 3; id++) response.write(event(id))
      next = from + 3
      response.write(`id: ${from + 3}\ndata: half`, () => {
        if (from > 20) response.end(`\n\n`)
        else if (from % 2) response.socket?.resetAndDestroy()
        else response.socket?.destroy()
      })
    })
    const { connection, events } = start(server.url)
    await until(() => events.length >= 24, 'all events')
    connection.close()
    expect(events.slice(0, 24).map(({ id }) => Number(id))).toEqual(Array.from({ length: 24 }, (_, at) => at + 1))
  })
  it('before the server is there is dialled again until it is', async () => {
    const port = await freePort()
    const { errors, events } = start(`http://127.0.0.1:${port}/`)
    await until(() => errors.length > 1, 'some errors')
    expect(errors[0]).toMatchObject({ code: 'network', delay: expect.any(Number) })
    const server = createServer((_, response) => void begin(response).write(event(1))).listen(port, '127.0.0.1')
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    await until(() => events.length > 0, 'the event')
  })
  it('without a sound is noticed, half-open as it is', async () => {
    const server = await serve((_, response) => void begin(response, { unmissed: 'heartbeat=40' }).write(event(1)))
    const { errors } = start(server.url)
    const begun = Date.now()
    await until(() => errors.length > 0, 'the watchdog')
    expect(errors[0]?.code).toBe('timeout-idle')
    expect(Date.now() - begun).toBeGreaterThanOrEqual(95)
    await until(() => server.requests.length > 1, 'another request')
  })
  it('before the answer is noticed by connectTimeout', async () => {
    const server = await serve(() => {})
    const { errors } = start(server.url, { connectTimeout: 50 })
    await until(() => errors.length > 1, 'two errors')
    expect(errors.map(({ code }) => code)).toEqual(['timeout-connect', 'timeout-connect'])
  })
  test.each([
    ['is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    [
      'has a bad chunk',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\ndata: a\n\n\r\n',
    ],
    [
      'ends before its length',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\ndata: a\n\n',
    ],
    [
      'lies about its coding',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\ndata: a\n\n',
    ],
    ['has a bad header', 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: a\0b\r\n\r\ndata: a\n\n'],
    ['is empty', ''],
  ])('because the answer %s is an error like any other', async (_, answer) => {
    const port = await tcp((socket) => socket.once('data', () => socket.end(answer)))
    // Node 20 does not notice a coding that is none: there it is the watchdog's to find out.
    const { errors, connection } = start(`http://127.0.0.1:${port}/`, { idleTimeout: 200 })
    await until(() => errors.length > 1, 'two errors')
    connection.close()
    for (const { code } of errors) expect(['network', 'ended', 'timeout-idle']).toContain(code)
  })
})

describe('a page that is busy', () => {
  it('does not take its own silence for the server’s: what came is read first', async () => {
    const server = await serve((_, response) => {
      begin(response)
      let id = 0
      const timer = setInterval(() => response.write(event(++id)), 20)
      response.on('close', () => clearInterval(timer))
    })
    const { connection, events, errors } = start(server.url, { idleTimeout: 200 })
    await until(() => events.length > 2, 'some events')
    for (let times = 0; times < 3; times++) {
      const begun = Date.now()
      while (Date.now() - begun < 300);
      await pause(60)
    }
    expect([errors, connection.state]).toEqual([[], 'open'])
  })
})

describe('pressing back', () => {
  it('is felt by the server, and nothing is lost', async () => {
    const size = 64 * 1024
    const count = 300
    let sent = 0
    const server = await serve(async (_, response) => {
      begin(response)
      const gone = once(response, 'close')
      for (let id = 1; id <= count; id++) {
        if (!response.write(`id: ${id}\ndata: ${'x'.repeat(size)}\n\n`))
          await Promise.race([once(response, 'drain'), gone])
        sent = id
      }
      response.end()
    })
    const { connection } = start(server.url, { highWaterMark: 4 })
    const iterator = connection.iterate()
    await iterator.next()
    // The kernel takes some megabytes on loopback; after that it is our reading alone that moves the server.
    let stood = -1
    for (let still = 0; still < 3; ) {
      await pause(100)
      still = stood === sent ? still + 1 : 0
      stood = sent
    }
    expect(sent).toBeLessThan(count)
    const ids: number[] = [1]
    while (ids.length < count) ids.push(Number((await iterator.next()).value?.id))
    expect(ids).toEqual(Array.from({ length: count }, (_, at) => at + 1))
  })
})

describe('redirects', () => {
  it('carry none of the caller’s headers to another origin, but the id that the caller gave', async () => {
    const other = await serve((_, response) => void begin(response).write(event(7)))
    const server = await serve(
      (_, response) => void response.writeHead(307, { location: `${other.url}there?x=1` }).end(),
    )
    const { events } = start(server.url, {
      lastEventId: '5',
      headers: { 'x-api-key': 'secret', authorization: 'secret', cookie: 'secret', 'proxy-authorization': 'secret' },
    })
    await until(() => events.length > 0, 'the event')
    expect(other.requests[0]?.url).toBe('/there?x=1')
    expect(JSON.stringify(server.requests[0]?.rawHeaders)).toContain('secret')
    expect(JSON.stringify(other.requests[0]?.rawHeaders)).not.toMatch(/secret/)
    expect(other.requests[0]?.headers).toMatchObject({
      accept: 'text/event-stream',
      'cache-control': 'no-cache',
      'last-event-id': '5',
    })
  })
  it('are fetch’s own affair where the caller says so', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/there' }).end()
      else begin(response).write(event(1))
    })
    const followed = start(server.url, { redirect: 'follow' })
    await until(() => followed.events.length > 0, 'the event')
    const { errors } = start(server.url, { redirect: 'error' })
    await until(() => errors.length > 0, 'the error')
    expect(errors[0]?.code).toBe('network')
  })
})

describe('a process', () => {
  it('that did nothing else is kept alive by a wait, unless it is unref’d', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const port = await freePort()
    for (const unref of [false, true]) {
      timers.mockClear()
      const { connection, errors } = start(`http://127.0.0.1:${port}/`, { unref, retry: { base: 60_000 } })
      await until(() => errors.length > 0, 'the error')
      await pause(1)
      const waits = timers.mock.results
        .filter((_, at) => Number(timers.mock.calls[at]?.[1]) >= 60_000)
        .map(({ value }) => (value as NodeJS.Timeout).hasRef())
      expect(waits).toEqual([!unref])
      connection.close()
    }
  })
})

async function freePort() {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A TCP server until the test is finished. */
async function tcp(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  const port = await listen(server)
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return port
}
