import { once } from 'node:events'
import { request } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { type AcceptOptions, accept, type Connection, ConnectionClosed, createHub } from '../../../src/server/index.ts'
import { listen } from '../../helpers/listen.ts'
import { after, read, serve, until } from '../serve.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Serves `accept`, and keeps the connections that it makes. */
async function serveAccept(options: AcceptOptions = {}, use: (connection: Connection) => unknown = () => {}) {
  const connections: Connection[] = []
  const url = await serve((incoming, response) => {
    const connection = accept(incoming, response, options)
    connections.push(connection)
    use(connection)
  })
  const first = async (): Promise<Connection> => {
    await until(() => connections.length > 0)
    return connections[0] as Connection
  }
  return { url, connections, first }
}

/** What the server writes to a request that is written by hand, until it is asked to stop. */
async function raw(url: string, text: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  after(() => socket.destroy())
  let received = ''
  socket.setEncoding('latin1').on('data', (data) => {
    received += data
  })
  socket.on('error', () => {})
  socket.write(text)
  return {
    socket,
    get received() {
      return received
    },
    until: (part: string) => until(() => received.includes(part)),
  }
}

describe('the head', () => {
  test('goes out at once with a first comment, before any event', async () => {
    const { url } = await serveAccept()
    const reader = await read(url)
    await until(() => reader.comments.length === 1)
    expect(reader.status).toBe(200)
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      unmissed: 'heartbeat=15000',
    })
  })

  test('has the headers that were asked for, and announces no heartbeat where there is none', async () => {
    const { url } = await serveAccept({ heartbeat: 0, headers: { 'X-Mine': '1' } })
    const { headers } = await read(url)
    expect(headers['x-mine']).toBe('1')
    expect(headers).not.toHaveProperty('unmissed')
  })

  test('is all that HEAD gets', async () => {
    const { url, first } = await serveAccept()
    const { received, until } = await raw(url, 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    void received
    await until('\r\n\r\n')
    await expect((await first()).closed).resolves.toBe('refused')
  })

  test('has no Connection header on HTTP/2', async () => {
    const connections: Connection[] = []
    const server = createHttp2Server((incoming, response) => connections.push(accept(incoming, response)))
    const port = await listen(server)
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    after(() => {
      session.destroy()
      server.close()
    })
    const stream = session.request({ ':path': '/', accept: 'text/event-stream' })
    const [headers] = await once(stream, 'response')
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' })
    expect(headers).not.toHaveProperty('connection')
    let text = ''
    stream.setEncoding('utf8').on('data', (data) => {
      text += data
    })
    await connections[0]?.send({ type: 'a', data: '1' })
    await until(() => text.includes('data: 1\n\n'))
    expect(text).toBe(':\n\nevent: a\ndata: 1\n\n')
    stream.close(constants.NGHTTP2_CANCEL)
    await expect(connections[0]?.closed).resolves.toBe('left')
  })
})

describe('a request', () => {
  test.each(['PUT', 'DELETE', 'OPTIONS'])('with %s is answered 405 and what is allowed', async (method) => {
    const { url, first } = await serveAccept()
    const response = await fetch(url, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, HEAD'])
    await expect((await first()).closed).resolves.toBe('refused')
  })

  test('with a method that was named gets its stream', async () => {
    const { url } = await serveAccept({ methods: ['PUT'] }, (connection) => connection.close())
    expect((await fetch(url, { method: 'PUT' })).status).toBe(200)
    expect((await fetch(url)).status).toBe(405)
  })

  test('with POST gets a stream', async () => {
    const { url } = await serveAccept({}, async (connection) => {
      await connection.send('hello')
      connection.close()
    })
    const response = await fetch(url, { method: 'POST', body: '{}' })
    expect(await response.text()).toBe(':\n\ndata: hello\n\n')
  })

  test('that looks for a page is answered 406, and told what this is', async () => {
    const { url, first } = await serveAccept()
    const response = await fetch(url, { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect([response.status, await response.text()]).toEqual([406, expect.stringContaining('text/event-stream')])
    expect((await first()).open).toBe(false)
    await expect((await first()).send('x')).rejects.toThrow(ConnectionClosed)
  })

  test('that asks for JSON gets its stream, but not where Accept is to be taken strictly', async () => {
    const json = { headers: { accept: 'application/json' } }
    const lenient = await serveAccept({}, (connection) => connection.close())
    expect((await fetch(lenient.url, json)).status).toBe(200)
    const { url } = await serveAccept({ negotiate: 'strict' }, (connection) => connection.close())
    expect((await fetch(url, json)).status).toBe(406)
    expect((await fetch(url, { ...json, method: 'POST', body: '{}' })).status).toBe(406)
    expect((await fetch(url, { headers: { accept: 'text/html,*/*;q=0.8' } })).status).toBe(200)
  })

  test('is for a stream where a function says so, which answers at once', async () => {
    const negotiate = ({ url }: { url: string }) => url === '/stream'
    const { url } = await serveAccept({ negotiate }, (connection) => connection.close())
    expect((await fetch(`${url}stream`, { headers: { accept: 'text/html' } })).status).toBe(200)
    expect((await fetch(`${url}page`)).status).toBe(406)
  })

  test('that does not accept an event stream is handed on where there is a next handler', async () => {
    const url = await serve((incoming, response) => {
      accept(incoming, response, { next: () => response.end('the page') })
    })
    expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toBe('the page')
  })

  test('of HTTP/1.0 gets a body without chunks', async () => {
    const { url } = await serveAccept({}, async (connection) => {
      await connection.send('one')
      connection.close()
    })
    const { socket, received, until: seen } = await raw(url, 'GET / HTTP/1.0\r\n\r\n')
    void received
    await seen('data: one')
    const client = await raw(url, 'GET / HTTP/1.0\r\n\r\n')
    await once(client.socket, 'close')
    expect(client.received.split('\r\n\r\n')[1]).toBe(':\n\ndata: one\n\n')
    expect(client.received.toLowerCase()).not.toContain('transfer-encoding')
    socket.destroy()
  })
})

describe('the last event id', () => {
  const ask = async (headers: Record<string, string>, path = '') => {
    const { url, first } = await serveAccept()
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const outgoing = request(url + path, { headers }, (response) => resolve(response.statusCode)).on('error', reject)
      after(() => outgoing.destroy())
      outgoing.end()
    })
    return { status: answer, id: (await first()).lastEventId }
  }

  test('is taken from the header, before the query', async () => {
    expect(await ask({ 'last-event-id': 'a.1' }, '?lastEventId=b.2')).toEqual({ status: 200, id: 'a.1' })
  })

  test('is taken from the query where there is no header', async () => {
    expect(await ask({}, '?x=1&lastEventId=%E6%97%A5.2#f')).toEqual({ status: 200, id: '日.2' })
  })

  test('is empty where there is none', async () => {
    expect(await ask({ 'last-event-id': '' }, '?lastEventId=')).toEqual({ status: 200, id: '' })
  })

  test('is read as UTF-8, as browsers send it', async () => {
    expect(await ask({ 'last-event-id': Buffer.from('日本€').toString('latin1') })).toEqual({
      status: 200,
      id: '日本€',
    })
  })

  test('is read as Latin-1 where it is not UTF-8, as some clients send it', async () => {
    expect(await ask({ 'last-event-id': 'é' })).toEqual({ status: 200, id: 'é' })
  })

  test.each(['%00', '%0A', 'a'.repeat(1025)])('is refused when it cannot be one: %s', async (id) => {
    expect((await ask({}, `?lastEventId=${id}`)).status).toBe(400)
  })
})

describe('send', () => {
  test('writes an event, and a string as the data of one', async () => {
    const { url, first } = await serveAccept()
    const reader = await read(url, { raw: true })
    const connection = await first()
    await connection.send({ type: 'tick', data: { a: 1 }, id: '7', retry: 10 })
    await connection.send('two\nlines')
    await connection.comment('note')
    await until(() => reader.comments.length === 2)
    expect(reader.bytes.toString()).toBe(
      ':\n\nid: 7\nevent: tick\nretry: 10\ndata: {"a":1}\n\ndata: two\ndata: lines\n\n: note\n\n',
    )
  })

  test('rejects what would be injection, tells onError, and harms nobody', async () => {
    const onError = vi.fn()
    const { url, first } = await serveAccept({ onError })
    const reader = await read(url, { raw: true })
    const connection = await first()
    await expect(connection.send({ type: 'a\ndata: b', data: '' })).rejects.toThrow(TypeError)
    await expect(connection.comment('a\nb')).rejects.toThrow(TypeError)
    // Nobody awaits these.
    void connection.send({ id: '\0', data: '' })
    void connection.send({ data: () => {} })
    await connection.send('after')
    await reader.until(1)
    expect(reader.bytes.toString()).toBe(':\n\ndata: after\n\n')
    expect(onError).toHaveBeenCalledTimes(4)
  })

  test('what is sent in one turn leaves in one write, in its order, and before the end', async () => {
    const { url } = await serveAccept({}, (connection) => {
      for (let n = 0; n < 5; n++) void connection.send(`${n}`)
      void connection.comment('then')
      setTimeout(() => {
        void connection.send('last')
        connection.close()
      }, 20)
    })
    const wire = await raw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await wire.until('0\r\n\r\n')
    const chunks = wire.received.split('\r\n\r\n').slice(1).join('\r\n\r\n').split(/\r\n/)
    const sent = [0, 1, 2, 3, 4].map((n) => `data: ${n}\n\n`).join('')
    expect(chunks.filter((_, at) => at % 2 === 1)).toEqual([':\n\n', `${sent}: then\n\n`, 'data: last\n\n', ''])
  })

  test('in one turn waits in bytes that are counted, and what is large does not wait for its end', async () => {
    const written: number[] = []
    const url = await serve((incoming, response) => {
      const connection = accept(incoming, response)
      const { write } = response
      response.write = ((...args: Parameters<typeof write>) => {
        written.push((args[0] as Uint8Array).length)
        return Reflect.apply(write, response, args)
      }) as typeof write
      const before = connection.queued
      void connection.send('ä'.repeat(1000))
      expect(connection.queued - before).toBe(2008)
      for (let n = 0; n < 3; n++) void connection.send('x'.repeat(40_000))
      expect(written).toEqual([2008 + 2 * 40_008])
    })
    const reader = await read(url)
    await reader.until(4)
    expect(written).toEqual([82_024, 40_008])
  })

  test('that cannot be written is told to its reader’s end and to onError, and to no loop', async () => {
    const onError = vi.fn()
    let sent: Promise<unknown> | undefined
    const url = await serve((incoming, response) => {
      const connection = accept(incoming, response, { onError })
      response.write = () => {
        throw new RangeError('no')
      }
      sent = Promise.all([connection.send('a'), connection.send('b')]).catch((error) => error)
    })
    const reader = await read(url)
    await reader.ended
    expect(await sent).toBeInstanceOf(ConnectionClosed)
    expect(onError.mock.calls.map(([error]) => error.message)).toEqual(['no'])
  })

  test('resolves when a reader that stalled reads again, not before', async () => {
    const { url, first } = await serveAccept({ maxQueued: 2 ** 30, stallTimeout: 0 })
    const reader = await read(url)
    reader.pause()
    const connection = await first()
    const piece = 'x'.repeat(2 ** 20)
    const sent: Array<Promise<void>> = []
    let settled = 0
    for (let n = 0; n < 20; n++) sent.push(connection.send(piece).then(() => void settled++))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(settled).toBeLessThan(20)
    expect(connection.queued).toBeGreaterThan(2 ** 20)
    reader.resume()
    await Promise.all(sent)
    await reader.until(20)
    await until(() => connection.queued === 0)
  })

  test('after the end rejects with a typed error, and throws into no loop', async () => {
    const { url, first } = await serveAccept()
    await read(url)
    const connection = await first()
    connection.close()
    connection.close()
    await expect(connection.closed).resolves.toBe('closed')
    await expect(connection.send('late')).rejects.toMatchObject({ code: 'connection-closed', reason: 'closed' })
    await expect(connection.comment()).rejects.toBeInstanceOf(ConnectionClosed)
    // Not awaited: no unhandled rejection, which would fail this run.
    for (let n = 0; n < 3; n++) void connection.send('late')
  })

  test('rejects what was still on its way when the reader leaves', async () => {
    const { url, first } = await serveAccept({ maxQueued: 2 ** 30 })
    const reader = await read(url)
    reader.pause()
    const connection = await first()
    const sent = Array.from({ length: 10 }, () => connection.send('x'.repeat(2 ** 20)))
    reader.drop()
    await expect(connection.closed).resolves.toBe('left')
    const outcomes = await Promise.allSettled(sent)
    expect(outcomes.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'connection-closed', reason: 'left' } })
  })
})

describe('the end', () => {
  test('is clean for the reader after what was sent', async () => {
    const { url } = await serveAccept({}, (connection) => {
      void connection.send('one')
      void connection.send('two')
      connection.close()
    })
    expect(await (await fetch(url)).text()).toBe(':\n\ndata: one\n\ndata: two\n\n')
  })

  test('leaves the socket to the next request', async () => {
    const { url } = await serveAccept({}, (connection) => connection.close())
    const client = await raw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until('0\r\n\r\n')
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => client.received.split('0\r\n\r\n').length === 3)
  })

  test('by the reader settles closed and aborts the signal', async () => {
    const { url, first } = await serveAccept()
    const reader = await read(url)
    const connection = await first()
    const { signal } = connection
    expect([connection.open, signal.aborted]).toEqual([true, false])
    reader.drop()
    await expect(connection.closed).resolves.toBe('left')
    expect([connection.open, signal.aborted, signal.reason.code]).toEqual([false, true, 'connection-closed'])
    expect(connection.signal.aborted).toBe(true)
  })

  test('comes after 80 to 100 % of maxDuration', async () => {
    const { url, first } = await serveAccept({ maxDuration: 100 })
    const reader = await read(url)
    const start = performance.now()
    await expect((await first()).closed).resolves.toBe('expired')
    await reader.ended
    expect(performance.now() - start).toBeGreaterThan(60)
  })

  test('a maxDuration beyond what a timer holds does not end it at once', async () => {
    const { url, first } = await serveAccept({ maxDuration: 2 ** 40, heartbeat: 2 ** 40, stallTimeout: 2 ** 40 })
    await read(url)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect((await first()).open).toBe(true)
  })

  test('comes to a reader that takes nothing once maxQueued is exceeded, and its bytes are let go', async () => {
    const { url, first } = await serveAccept({ maxQueued: 100_000 })
    const reader = await read(url)
    reader.pause()
    const connection = await first()
    while (connection.open) {
      void connection.send('x'.repeat(50_000))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expect(connection.closed).resolves.toBe('slow')
    expect(connection.queued).toBe(0)
    reader.resume()
    await reader.ended
  })

  test('comes to a reader that takes nothing for stallTimeout', async () => {
    const { url, first } = await serveAccept({ maxQueued: 2 ** 30, stallTimeout: 60 })
    const reader = await read(url)
    reader.pause()
    const connection = await first()
    await expect(connection.send('x'.repeat(2 ** 23))).rejects.toMatchObject({ reason: 'slow' })
  })

  test('close does not wait for ever for a reader that takes nothing', async () => {
    const { url, first } = await serveAccept({ maxQueued: 2 ** 30, stallTimeout: 60 })
    const reader = await read(url)
    reader.pause()
    const connection = await first()
    void connection.send('x'.repeat(2 ** 23))
    connection.close()
    await expect(connection.closed).resolves.toBe('closed')
  })
})

describe('a response', () => {
  test('that was used already cannot stream', async () => {
    let error: unknown
    const url = await serve((incoming, response) => {
      response.write('hello')
      try {
        accept(incoming, response)
      } catch (caught) {
        error = caught
      }
      response.end()
    })
    await (await fetch(url)).text()
    expect(error).toMatchObject({ code: 'cannot-stream' })
  })

  test('whose reader has left is closed from the beginning', async () => {
    const connections: Connection[] = []
    const url = await serve(async (incoming, response) => {
      await once(response, 'close')
      connections.push(accept(incoming, response))
    })
    const client = await raw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 30))
    client.socket.destroy()
    await until(() => connections.length === 1)
    await expect(connections[0]?.closed).resolves.toBe('left')
  })
})

test('a heartbeat comes in silence, and not while there is traffic', async () => {
  const { url, first } = await serveAccept({ heartbeat: 60 })
  const reader = await read(url)
  const connection = await first()
  for (let n = 0; n < 12; n++) {
    await connection.send(`${n}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(reader.comments.length).toBe(1)
  await until(() => reader.comments.length >= 4)
})

describe('sendAll', () => {
  const web = () => accept(new Request('http://a/'), { heartbeat: 0 })

  test('sends all that a source gives, in its order, and closes', async () => {
    for (const source of [
      ['1', { type: 'two', data: 2 }],
      new Set(['1', { type: 'two', data: 2 }]),
      (function* () {
        yield '1'
        yield { type: 'two', data: 2 }
      })(),
      (async function* () {
        yield '1'
        await new Promise((resolve) => setTimeout(resolve, 1))
        yield { type: 'two', data: 2 }
      })(),
      new ReadableStream<string | object>({
        start(controller) {
          controller.enqueue('1')
          controller.enqueue({ type: 'two', data: 2 })
          controller.close()
        },
      }) as unknown as AsyncIterable<string>,
    ]) {
      const connection = web()
      const text = connection.response.text()
      await connection.sendAll(source)
      expect(await text).toBe(':\n\ndata: 1\n\nevent: two\ndata: 2\n\n')
      expect(await connection.closed).toBe('closed')
    }
  })

  test('follows its reader: the source is asked for no more than is taken', async () => {
    let given = 0
    const connection = web()
    const sent = connection.sendAll(
      (async function* () {
        for (; given < 100; given++) yield 'x'.repeat(10_000)
      })(),
    )
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(given).toBeLessThan(4)
    await connection.response.text()
    await sent
    expect(given).toBe(100)
  })

  test.each(['at once', 'only when it gives something'] as const)(
    'leaves the loop when the reader leaves, also a source that hears of it %s',
    async (when) => {
      let left = false
      const source: AsyncIterableIterator<string> = {
        next: () =>
          when === 'at once'
            ? new Promise(() => {})
            : new Promise((resolve) => setTimeout(() => resolve({ done: false, value: 'x' }), 30)),
        async return() {
          left = true
          return { done: true, value: undefined }
        },
        [Symbol.asyncIterator]: () => source,
      }
      const connection = web()
      const sent = connection.sendAll(source)
      await connection.response.body?.cancel()
      await sent
      expect([left, await connection.closed]).toEqual([true, 'left'])
    },
  )

  test('rejects with what the source threw, after closing', async () => {
    const connection = web()
    const sent = connection.sendAll(
      (async function* () {
        yield '1'
        throw new Error('the source’s')
      })(),
    )
    const text = connection.response.text()
    await expect(sent).rejects.toThrow('the source’s')
    expect([await text, await connection.closed]).toEqual([':\n\ndata: 1\n\n', 'closed'])
  })

  test('rejects with what cannot be sent, and lets the source go', async () => {
    let left = false
    const connection = accept(new Request('http://a/'), { heartbeat: 0, onError: () => {} })
    const sent = connection.sendAll(
      (async function* () {
        try {
          yield { type: 'a\nb', data: '' }
        } finally {
          left = true
        }
      })(),
    )
    await expect(sent).rejects.toThrow(TypeError)
    expect([left, await connection.closed]).toEqual([true, 'closed'])
  })

  test('of what is no source rejects, and closes', async () => {
    const connection = accept(new Request('http://a/'), { heartbeat: 0, onError: () => {} })
    await expect(connection.sendAll(undefined as never)).rejects.toThrow(TypeError)
    expect(connection.open).toBe(false)
  })

  test('closes and tells the first error where letting the source go goes wrong, too', async () => {
    const connection = web()
    const source: Iterable<string> = {
      [Symbol.iterator]: () => ({
        next() {
          throw new Error('first')
        },
        return() {
          throw new Error('second')
        },
      }),
    }
    await expect(connection.sendAll(source)).rejects.toThrow('first')
    expect(connection.open).toBe(false)
  })

  test('keeps nothing of what was sent, however long it goes on', async () => {
    const connection = web()
    const body = (connection.response.body as ReadableStream<Uint8Array>).getReader()
    const values: WeakRef<object>[] = []
    let stop = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      stop = resolve
    })
    const sent = connection.sendAll(
      (async function* () {
        for (let n = 0; n < 2000; n++) {
          const event = { data: `${n}` }
          values.push(new WeakRef(event))
          yield event
        }
        await waiting
      })(),
    )
    while (values.length < 2000) await body.read()
    await new Promise((resolve) => setTimeout(resolve, 5))
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
    collect()
    expect(values.filter((value) => value.deref()).length).toBeLessThan(20)
    stop()
    void body.cancel()
    await sent
  })

  test('to a reader that was refused sends nothing, and lets the source go', async () => {
    const connection = accept(new Request('http://a/', { headers: { accept: 'text/html' } }))
    let asked = 0
    await connection.sendAll(
      (async function* () {
        asked++
        yield 'x'
      })(),
    )
    expect(asked).toBe(0)
  })

  test('leaves no listener on the signal of a connection that lives on', async () => {
    const hub = createHub()
    const response = await hub.fetch(new Request('http://a/'))
    const [subscriber] = hub.subscribers()
    const removed = vi.spyOn(subscriber?.signal as AbortSignal, 'removeEventListener')
    const text = response.text()
    await subscriber?.sendAll(['a', 'b'])
    expect(await text).toContain('data: a\n\ndata: b\n\n')
    expect(removed).toHaveBeenCalledTimes(1)
    await hub.close()
  })

  test('is heard of over HTTP, with a source that waits for ever', async () => {
    let left: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      left = resolve
    })
    const url = await serve(async (request, response) => {
      const waiting = async function* () {
        try {
          yield 'first'
          await new Promise<void>((resolve) => gone.then(resolve))
        } finally {
          left()
        }
      }
      const connection = accept(request, response)
      await connection.sendAll(waiting())
      left()
    })
    const reader = await read(url)
    await reader.until(1)
    reader.drop()
    await gone
  })
})
