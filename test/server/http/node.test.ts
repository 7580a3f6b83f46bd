import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer, get as getHttps } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { directSocket } from '../../../src/server/http/native.ts'
import { accept, createHub, type Hub } from '../../../src/server/index.ts'
import { listen, shut } from '../../helpers/listen.ts'
import { after, read, serve, until, warnings } from '../serve.ts'

/** What a hub writes to one reader, byte for byte, with whatever stands between. */
async function wire(
  wrap: (request: IncomingMessage, response: ServerResponse) => void = () => {},
  request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
) {
  const hub = createHub({ heartbeat: 0 })
  after(() => hub.close({ within: 0 }))
  const direct: boolean[] = []
  const url = await serve(async (incoming, response) => {
    wrap(incoming, response)
    await hub.handle(incoming, response)
    direct.push(directSocket(response) !== undefined)
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  after(() => socket.destroy())
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.write(request)
  await until(() => direct.length > 0)
  const text = () => Buffer.concat(chunks).toString('latin1')
  return { hub, socket, direct, text, bytes: () => Buffer.concat(chunks) }
}

/** As the package `compression` does: `write` knows of no callback, `on` hands those who wait for `drain` to its own stream. */
function compress(response: ServerResponse): void {
  const { write, end, on, writeHead } = response
  const gzip = createGzip()
  response.writeHead = ((...args: Parameters<typeof writeHead>) => {
    response.setHeader('Content-Encoding', 'gzip')
    return Reflect.apply(writeHead, response, args)
  }) as typeof writeHead
  gzip.on('data', (chunk: Buffer) => {
    if (!Reflect.apply(write, response, [chunk])) gzip.pause()
  })
  gzip.on('end', () => Reflect.apply(end, response, []))
  Reflect.apply(on, response, ['drain', () => gzip.resume()])
  Object.assign(response, {
    write: (chunk: Buffer) => gzip.write(chunk),
    end: () => gzip.end(),
    flush: () => gzip.flush(),
    on: (type: string, listener: () => void) =>
      type === 'drain' ? gzip.on(type, listener) : Reflect.apply(on, response, [type, listener]),
  })
}

/** RFC 9112 §7.1.3, strictly: throws at what is no chunk. */
function unchunk(body: string): { payload: string; chunks: number; complete: boolean } {
  let payload = ''
  let chunks = 0
  for (let at = 0; ; ) {
    if (at === body.length) return { payload, chunks, complete: false }
    const match = /^([0-9a-f]+)\r\n/.exec(body.slice(at, at + 20))
    if (!match?.[1]) throw new Error(`no chunk at ${at}: ${JSON.stringify(body.slice(at, at + 40))}`)
    const size = Number.parseInt(match[1], 16)
    at += match[0].length
    if (size === 0) {
      if (body.slice(at) !== '\r\n') throw new Error('something follows the last chunk')
      return { payload, chunks, complete: true }
    }
    payload += body.slice(at, at + size)
    if (body.slice(at + size, at + size + 2) !== '\r\n') throw new Error(`no CRLF after the chunk at ${at}`)
    at += size + 2
    chunks++
  }
}

const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4)
const lines = (payload: string) => payload.split('\n').filter((line) => line.startsWith('data'))

describe('writing to the socket', () => {
  test('is what happens on plain HTTP/1.1, and its chunks are exact', async () => {
    const { hub, direct, text } = await wire()
    expect(direct).toEqual([true])
    await hub.publish({ data: 'ä€😀'.repeat(1000) })
    await new Promise((resolve) => setImmediate(resolve))
    for (let n = 0; n < 3; n++) void hub.publish({ data: `${n}` })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await hub.close()
    await until(() => text().endsWith('0\r\n\r\n'))
    const { payload, chunks, complete } = unchunk(bodyOf(text()))
    expect(complete).toBe(true)
    // The comment with where it begins, the large one, three in one, the farewell.
    expect(chunks).toBe(4)
    expect(lines(Buffer.from(payload, 'latin1').toString())).toEqual([
      `data: ${'ä€😀'.repeat(1000)}`,
      'data: 0',
      'data: 1',
      'data: 2',
    ])
  })

  test('what is published in one turn is one write, also between awaits', async () => {
    const { hub, text } = await wire()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const before = unchunk(bodyOf(text())).chunks
    for (let n = 0; n < 10; n++) await hub.publish({ data: `${n}` })
    await until(() => text().includes('data: 9'))
    expect(unchunk(bodyOf(text())).chunks - before).toBe(1)
  })

  test('leaves the connection fit for the next request', async () => {
    const { hub, socket, text } = await wire()
    await hub.publish({ data: '1' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(hub.disconnect('everyone')).toBe(1)
    await until(() => text().endsWith('0\r\n\r\n'))
    const length = text().length
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => text().slice(length).includes('id: '))
    await hub.publish({ data: '2' })
    await until(() => text().includes('data: 2'))
    const [, first, second] = text().split('HTTP/1.1 200 OK')
    expect(lines(unchunk(bodyOf(first ?? '')).payload)).toEqual(['data: 1'])
    expect(lines(unchunk(bodyOf(second ?? '')).payload)).toEqual(['data: 2'])
  })

  test('works over TLS', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'unmissed-'))
    after(() => rmSync(directory, { recursive: true }))
    const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
      ],
      { stdio: 'ignore' },
    )
    const hub = createHub()
    const server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, response) =>
      hub.handle(incoming, response),
    )
    const port = await listen(server)
    after(() => shut(server))
    let text = ''
    const request = getHttps({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (data) => {
        text += data
      })
      response.on('error', () => {})
    })
    after(() => request.destroy())
    await until(() => hub.size === 1)
    await hub.publish({ data: 'secret' })
    await until(() => text.includes('data: secret\n\n'))
    // TLS sockets cannot be reset; they are destroyed all the same.
    await hub.close({ within: 0 })
    expect(hub.size).toBe(0)
  })
})

describe('writing through the response', () => {
  const cases: Record<
    string,
    { wrap?: (request: IncomingMessage, response: ServerResponse) => void; request?: string }
  > = {
    'a middleware that replaces write': {
      wrap(_, response) {
        const { write } = response
        response.write = ((...args: Parameters<typeof write>) => write.apply(response, args)) as typeof write
      },
    },
    'a middleware that replaces an inner method': {
      wrap(_, response) {
        const inner = response as unknown as { _send: (...args: unknown[]) => unknown }
        const { _send: send } = inner
        inner._send = (...args) => send.apply(response, args)
      },
    },
    'a class of its own': {
      wrap(_, response) {
        class Counting extends ServerResponse {
          override write(...args: unknown[]): boolean {
            return Reflect.apply(ServerResponse.prototype.write, this, args)
          }
        }
        Object.setPrototypeOf(response, Counting.prototype)
      },
    },
    'a response that is not chunked': {
      wrap(_, response) {
        response.useChunkedEncodingByDefault = false
      },
    },
    'a reader of HTTP/1.0': { request: 'GET / HTTP/1.0\r\n\r\n' },
    'an encoding that was set': { wrap: (_, response) => void response.setHeader('Content-Encoding', 'identity') },
  }
  for (const [name, { wrap, request }] of Object.entries(cases)) {
    test(`is what happens with ${name}`, async () => {
      const { hub, direct, text } = await wire(wrap, request)
      expect(direct).toEqual([false])
      for (let n = 0; n < 3; n++) await hub.publish({ data: `${n}` })
      await until(() => text().includes('data: 2\n\n'))
      const body = bodyOf(text())
      const payload = /transfer-encoding: chunked/i.test(text()) ? unchunk(body).payload : body
      expect(lines(payload)).toEqual(['data: 0', 'data: 1', 'data: 2'])
    })
  }

  test.each(['write', 'end', '_send', '_writeRaw'] as const)(
    'is what happens where %s was replaced for all',
    async (name) => {
      const prototype = OutgoingMessage.prototype as unknown as Record<string, (...args: unknown[]) => unknown>
      const original = prototype[name] as (...args: unknown[]) => unknown
      let passed = ''
      prototype[name] = function (this: unknown, ...args: unknown[]) {
        if (typeof args[0] === 'string' || args[0] instanceof Uint8Array)
          passed += Buffer.from(args[0] as string).toString()
        return Reflect.apply(original, this, args)
      }
      try {
        const { hub, text } = await wire()
        for (let n = 0; n < 3; n++) await hub.publish({ data: `${n}` })
        await until(() => text().includes('data: 2\n\n'))
        if (name !== 'end') expect(lines(passed)).toEqual(['data: 0', 'data: 1', 'data: 2'])
        await hub.close()
        await until(() => text().endsWith('0\r\n\r\n'))
      } finally {
        prototype[name] = original
      }
    },
  )

  describe('passes through a middleware that compresses, whatever we say of transforming,', () => {
    async function compressed() {
      const warned = warnings()
      const hub = createHub()
      after(() => hub.close({ within: 0 }))
      const url = await serve((incoming, response) => {
        compress(response)
        return hub.handle(incoming, response)
      })
      return { hub, url, warned }
    }

    test('each event at once', async () => {
      const { hub, url } = await compressed()
      const reader = await read(url)
      expect(reader.headers['content-encoding']).toBe('gzip')
      await until(() => hub.size === 1)
      for (const [n, data] of ['one', 'two'].entries()) {
        await hub.publish({ data })
        expect((await reader.until(n + 1))[n]).toMatchObject({ data })
      }
    })

    test('a long resume, to its end, and then live', async () => {
      const { hub, url, warned } = await compressed()
      const { id } = await hub.publish({ data: '0' })
      for (let n = 1; n <= 999; n++) await hub.publish({ data: `${n} ${'x'.repeat(500)}` })
      const reader = await read(url, { lastEventId: id })
      await reader.until(999)
      await until(() => hub.stats().states.live === 1)
      await hub.publish({ data: 'live' })
      expect((await reader.until(1000)).at(-1)).toMatchObject({ data: 'live' })
      await new Promise((resolve) => setImmediate(resolve))
      expect(warned).toEqual([])
    })

    test('what is sent by itself, whose promise settles though nobody calls back', async () => {
      const { hub, url, warned } = await compressed()
      const reader = await read(url)
      await until(() => hub.size === 1)
      const [subscriber] = hub.subscribers()
      for (let n = 0; n < 30; n++) await subscriber?.send('x'.repeat(20_000))
      expect(await reader.until(30)).toHaveLength(30)
      expect(warned).toEqual([])
    })

    test('and its end', async () => {
      const { hub, url } = await compressed()
      const reader = await read(url)
      await until(() => hub.size === 1)
      await hub.close()
      await reader.ended
    })
  })

  test('waits where another response is still being sent on the same connection', async () => {
    const hub = createHub({ heartbeat: 0 })
    after(() => hub.close({ within: 0 }))
    let finish = () => {}
    const server = createServer((incoming, response) => {
      if (incoming.url === '/slow') finish = () => response.end('slow')
      else void hub.handle(incoming, response)
    })
    const port = await listen(server)
    after(() => shut(server))
    const socket = connect(port, '127.0.0.1')
    after(() => socket.destroy())
    let text = ''
    socket.setEncoding('latin1').on('data', (data) => {
      text += data
    })
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 30))
    // It takes no place before it has come to its turn.
    expect([text, hub.size]).toEqual(['', 0])
    finish()
    await until(() => hub.size === 1)
    await hub.publish({ data: '1' })
    await until(() => text.includes('data: 1\n\n'))
    await hub.publish({ data: '2' })
    await until(() => text.includes('data: 2\n\n'))
    const [, first, second] = text.split('HTTP/1.1 200 OK')
    expect(bodyOf(first ?? '')).toBe('slow')
    expect(lines(unchunk(bodyOf(second ?? '')).payload)).toEqual(['data: 1', 'data: 2'])
  })
})

describe('HTTP/2', () => {
  async function serveHttp2(hub: Hub) {
    const server = createHttp2Server((incoming, response) => hub.handle(incoming, response))
    const port = await listen(server)
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 2 ** 16 } })
    session.on('error', () => {})
    after(() => {
      session.destroy()
      server.close()
    })
    const join = () => {
      const stream = session.request({ ':path': '/' })
      const reader = { stream, text: '', ended: false }
      stream.setEncoding('utf8').on('error', () => {})
      stream.on('close', () => {
        reader.ended = true
      })
      return reader
    }
    return { session, server, join }
  }

  test('cuts off one slow stream, and leaves the others of the same connection', async () => {
    const reasons: string[] = []
    const hub = createHub({ maxQueued: 100_000, onDisconnect: (_, reason) => reasons.push(reason) })
    after(() => hub.close({ within: 0 }))
    const { join } = await serveHttp2(hub)
    const [good, stalled] = [join(), join()]
    good.stream.on('data', (data) => {
      good.text += data
    })
    stalled.stream.pause()
    await until(() => hub.size === 2)
    for (let n = 0; n < 50 && hub.size === 2; n++) {
      await hub.publish({ data: 'x'.repeat(20_000) })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await until(() => hub.size === 1)
    expect(reasons).toEqual(['slow'])
    await hub.publish({ data: 'still here' })
    await until(() => good.text.includes('still here'))
    stalled.stream.resume()
    await until(() => stalled.ended)
  })

  test('ends the session with the hub, so that the process can exit', async () => {
    const hub = createHub()
    const { session, server, join } = await serveHttp2(hub)
    const reader = join()
    reader.stream.resume()
    await until(() => hub.size === 1)
    const closed = new Promise((resolve) => server.close(resolve))
    await hub.close()
    await closed
    await until(() => session.destroyed)
  })
})

test('a reader that half-closes, leaves or resets in the middle of publishing disturbs nobody', async () => {
  const hub = createHub({ heartbeat: 0 })
  after(() => hub.close({ within: 0 }))
  const url = await serve((incoming, response) => hub.handle(incoming, response))
  const sockets: Socket[] = []
  for (let n = 0; n < 30; n++) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    sockets.push(socket)
  }
  after(() => sockets.forEach((socket) => void socket.destroy()))
  await until(() => hub.size === 30)
  const reader = await read(url)
  await until(() => hub.size === 31)
  for (const [n, socket] of sockets.entries()) {
    if (n % 3 === 0) socket.end()
    else if (n % 3 === 1) socket.destroy()
    else socket.resetAndDestroy()
    void hub.publish({ data: `${n}` })
    if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await reader.until(30)
  expect(reader.events.map(({ data }) => data)).toEqual(sockets.map((_, n) => `${n}`))
  await until(() => hub.size === 1)
})

test('a process exits after hub.close(), with the server closed before or after', () => {
  const source = JSON.stringify(new URL('../../../src/server/index.ts', import.meta.url).href)
  const loader = new URL('../../helpers/typescript.mjs', import.meta.url).href
  for (const order of ['server.close(); await hub.close()', 'await hub.close(); server.close()']) {
    const script = `
      import { Agent, createServer, get } from 'node:http'
      import { createHub } from ${source}
      const hub = createHub({ limits: { arrivals: 10 }, maxDuration: 60000 })
      const server = createServer(hub.handle).listen(0, '127.0.0.1', () => {
        const agent = new Agent({ keepAlive: true })
        get({ port: server.address().port, host: '127.0.0.1', agent }, (response) => {
          response.resume()
          setTimeout(async () => {
            const start = performance.now()
            process.on('exit', () => console.log(performance.now() - start))
            ${order}
          }, 50)
        })
      })`
    const args = ['--import', loader, '--input-type=module', '-e', script]
    const took = Number(execFileSync(process.execPath, args, { timeout: 30_000, encoding: 'utf8' }))
    // Without it the kept-alive connection would hold the process for 5 s.
    expect(took).toBeLessThan(3000)
  }
}, 60_000)

describe('headers of an earlier middleware', () => {
  const set = (headers: Record<string, string | string[]>) => (response: ServerResponse) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  }

  test('are kept, and lists are joined with ours', async () => {
    const hub = createHub({ cors: ['https://a'], headers: { vary: 'Cookie' } })
    after(() => hub.close({ within: 0 }))
    const prepare = set({
      Vary: ['Accept-Encoding', 'Origin'],
      'Access-Control-Expose-Headers': 'X-Request-Id',
      'X-Request-Id': '7',
      'Set-Cookie': ['a=b', 'c=d'],
      'Cache-Control': 'public, max-age=60',
    })
    const url = await serve((incoming, response) => {
      prepare(response)
      return hub.handle(incoming, response)
    })
    const { headers } = await read(url, { headers: { origin: 'https://a' } })
    expect(headers).toMatchObject({
      vary: 'Accept-Encoding, Origin, Cookie',
      'access-control-expose-headers': 'X-Request-Id, Unmissed, Last-Event-ID, Retry-After',
      'x-request-id': '7',
      'set-cookie': ['a=b', 'c=d'],
      'cache-control': 'no-cache, no-transform',
    })
  })

  test('are kept in a refusal, too', async () => {
    const hub = createHub({ cors: ['https://a'], authorize: () => false })
    after(() => hub.close())
    const url = await serve((incoming, response) => {
      set({ Vary: 'Accept-Encoding', 'X-Request-Id': '7' })(response)
      return hub.handle(incoming, response)
    })
    const { status, headers } = await fetch(url, { headers: { origin: 'https://a' } })
    expect([status, headers.get('vary'), headers.get('x-request-id')]).toEqual([401, 'Accept-Encoding, Origin', '7'])
  })

  test('are kept by accept', async () => {
    const url = await serve((incoming, response) => {
      set({ Vary: 'Accept-Encoding', 'X-Request-Id': '7' })(response)
      accept(incoming, response, {
        headers: { Vary: 'Cookie', 'cache-control': 'no-store', 'content-type': 'text/event-stream; charset=utf-8' },
      })
    })
    const { headers } = await read(url)
    expect(headers).toMatchObject({
      vary: 'Accept-Encoding, Cookie',
      'x-request-id': '7',
      'cache-control': 'no-store',
      'content-type': 'text/event-stream; charset=utf-8',
    })
  })

  test('on the web are none: of a name of ours that is given in another case there is one', async () => {
    const hub = createHub({ headers: { 'cache-control': 'no-store', 'X-ACCEL-BUFFERING': 'yes' } })
    after(() => hub.close())
    const response = await hub.fetch(new Request('http://a/'))
    expect([response.headers.get('cache-control'), response.headers.get('x-accel-buffering')]).toEqual([
      'no-store',
      'yes',
    ])
    await response.body?.cancel()
  })
})
