import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { createHub } from '../../src/server/index.ts'
import { freePort, listen, shut } from '../helpers/listen.ts'
import { startProxy } from '../recipes/proxies.ts'
import { run } from './run.ts'

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

async function serve(handler: Handler): Promise<string> {
  const server: Server = createServer(handler)
  const port = await listen(server)
  undo.push(() => shut(server))
  return `http://127.0.0.1:${port}/events`
}

async function examine(url: string, ...args: string[]) {
  const doctor = run('doctor', url, '--wait', '1', ...args)
  const code = await doctor.done
  return { code, said: doctor.out(), err: doctor.err() }
}

const HEAD = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'access-control-allow-origin': '*' }

/** A stream of the test's own, with what is special about it. */
const stream =
  (
    write: (response: ServerResponse, request: IncomingMessage) => unknown,
    head: Record<string, string> = {},
  ): Handler =>
  (request, response) => {
    if (request.method === 'OPTIONS') return response.writeHead(204, HEAD).end()
    response.writeHead(200, { ...HEAD, ...head })
    response.flushHeaders()
    return write(response, request)
  }

/** So many events at once, from a number on. */
const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `id: ${from + n}\ndata: ${from + n}\n\n`).join('')

describe('doctor', () => {
  test('finds nothing wrong with a hub, and ends with 0', async () => {
    const hub = createHub({ cors: '*' })
    undo.push(() => hub.close({ within: 0 }))
    const url = await serve(hub.handle)
    let n = 0
    const timer = setInterval(() => void hub.publish({ data: n++ }), 100)
    undo.push(() => clearInterval(timer))
    const { code, said, err } = await examine(url, '--origin', 'https://app.example')
    expect([code, err]).toEqual([0, ''])
    expect(said).not.toContain('✗')
    expect(said).toMatch(
      /✓ 200, text\/event-stream\n✓ the first bytes came \d+ ms after the head\n✓ \d+ events, each with an id\n/,
    )
    expect(said).toContain('✓ it resumes: after an id comes the next event\n✓ https://app.example may read it\n')
    expect(said).toContain('! HTTP/1.1 without TLS: six streams for a browser')
  })

  test.each<[string, Handler, RegExp]>([
    ['a refusal', (_, response) => response.writeHead(401).end(), /✗ status 401, not 200\n {2}→ give credentials/],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: '/there' }).end(),
      /✗ status 302, not 200\n {2}→ give readers that address: each return is redirected: \/there/,
    ],
    [
      'a page',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      /✗ text\/html, not text\/event-stream\n/,
    ],
    [
      'a length',
      stream((response) => response.end('data: 12345\n\n'), { 'content-length': '13' }),
      /✗ announces a length of 13 bytes\n/,
    ],
    [
      'a cache',
      stream((response) => response.write(events(1, 2)), { 'cache-control': 'max-age=60' }),
      /! may be cached\n/,
    ],
    [
      'Latin-1',
      stream((response) => response.write(Buffer.from('data: \xe9t\xe9\n\n', 'latin1'))),
      /✗ it is not UTF-8\n/,
    ],
    ['no ids', stream((response) => response.write('data: a\n\ndata: b\n\n')), /! 2 of 2 events have no id\n/],
    [
      'a last event without its blank line',
      stream((response) => response.end('data: a\n\ndata: b\n')),
      /✗ it ends within an event, which is lost\n/,
    ],
    [
      'a stream that breaks',
      stream((response) => response.write('data: a\n\n', () => response.destroy())),
      /✗ it broke after \d+ ms\n/,
    ],
    [
      'a server that does not resume',
      stream((response, { headers }) => response.write(headers['last-event-id'] ? events(8, 9) : events(1, 3))),
      /✗ a return after 1 is not given 2: it does not resume\n/,
    ],
    [
      'one that begins again with the event that was named',
      stream((response, { headers }) => response.write(events(Number(headers['last-event-id'] ?? 1), 5))),
      /! a return is given the event again that it had\n/,
    ],
    [
      'a preflight that allows no id',
      stream((response, { headers }) => response.write(events(Number(headers['last-event-id'] ?? 0) + 1, 5))),
      /✗ the preflight for last-event-id is answered 204, and allows it not: who is cut off cannot come back\n/,
    ],
    ['silence', stream(() => {}), /! nothing came in 1\.\d s\n/],
    [
      'our own server’s silence',
      stream(() => {}, { unmissed: 'heartbeat=15000' }),
      /✗ nothing came in .*something between buffers it\n/,
    ],
    [
      'a proxy that saves events up',
      stream((response) => setTimeout(() => response.write(events(1, 30)), 1200)),
      /✗ the first bytes came 1\.\d s after the head, several events together\n/,
    ],
    ['a hot retry', stream((response) => response.write(`retry: 0\n${events(1, 2)}`)), /! retry: 0 ms\n/],
  ])('names %s', async (name, handler, said) => {
    const examined = await examine(await serve(handler), ...(name.includes('proxy') ? ['--wait', '2'] : []))
    expect(examined.said).toMatch(said)
    // A fault is an exit code for a pipeline; a hint is none.
    expect(examined.code).toBe(examined.said.includes('✗') ? 1 : 0)
    expect(examined.err).toBe('')
  })

  test('reads what is compressed, and says that it is', async () => {
    const bytes = gzipSync(events(1, 3))
    const { said } = await examine(
      await serve(stream((response) => response.write(bytes), { 'content-encoding': 'gzip' })),
    )
    expect(said).toMatch(/! compressed with gzip\n[\s\S]*✓ 3 events, each with an id\n/)
  })

  test('says which origin may not read it', async () => {
    const url = await serve(
      stream((response) => response.write(events(1, 2)), { 'access-control-allow-origin': 'https://a.example' }),
    )
    const { code, said } = await examine(url, '--origin', 'https://b.example')
    expect(code).toBe(1)
    expect(said).toContain(
      '✗ https://b.example may not read it\n  → send Access-Control-Allow-Origin: https://b.example',
    )
  })

  test('says why there is no answer', async () => {
    const port = await freePort()
    const { code, said } = await examine(`http://127.0.0.1:${port}/`)
    expect(code).toBe(1)
    expect(said).toMatch(/^✗ no answer: connect ECONNREFUSED 127\.0\.0\.1:\d+\n/)
    const silent = await examine(await serve(() => {}))
    expect(silent.said).toMatch(/^✗ no answer in 1000 ms\n {2}→ have the server send its head at once/)
  })

  test('does not repeat a POST, and obeys nothing that a server says', async () => {
    let posts = 0
    const url = await serve((request, response) => {
      if (request.method === 'POST') posts++
      stream((answer) => answer.write(events(1, 3)), { 'content-type': 'text/event-stream' })(request, response)
    })
    const { said } = await examine(url, '-d', '{}')
    expect(posts).toBe(1)
    expect(said).not.toContain('resume')
    const rude = await examine(await serve(stream((answer) => answer.write('id: \x1b[31m1\ndata: a\n\n'))))
    expect(rude.said).toContain('✗ the id \\x1b[31m1 cannot return in a header\n')
  })

  test.each([[], ['not an address'], ['ftp://a/'], ['http://a/', '--wait', 'soon'], ['http://a/', 'http://b/']])(
    'does not understand %j',
    async (...words) => {
      const doctor = run('doctor', ...words)
      expect(await doctor.done).toBe(2)
      expect(doctor.err()).toMatch(/^unmissed: /)
    },
  )

  test('sees that nginx compresses and so holds back, and that it does not where it is left alone', async () => {
    const hub = createHub({ heartbeat: 0 })
    undo.push(() => hub.close({ within: 0 }))
    const { port } = new URL(await serve(hub.handle))
    const passes = 'proxy_pass http://hub; proxy_http_version 1.1;'
    const site = `upstream hub { server 127.0.0.1:3000; } server { listen 80; location / { ${passes} } location /held { proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_proxied any; gzip_types *; ${passes} } }`
    const nginx = await startProxy('nginx', site, Number(port))
    undo.push(() => nginx.stop())
    const timer = setInterval(() => void hub.publish({ data: 'tick' }), 200)
    undo.push(() => clearInterval(timer))
    const held = await examine(`http://127.0.0.1:${nginx.port}/held`)
    // nginx keeps the head with what it compresses.
    expect(held.said).toMatch(/^✗ no answer in 1000 ms\n.*something between buffers it: send X-Accel-Buffering: no/)
    expect(held.code).toBe(1)
    const free = await examine(`http://127.0.0.1:${nginx.port}/free`)
    expect(free.said).toMatch(/✓ the first bytes came \d+ ms after the head\n✓ \d+ events, each with an id/)
    expect(free.code).toBe(0)
  })
})
