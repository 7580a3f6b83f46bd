import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import { describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { onTrace } from '../../src/debug/index.ts'
import { connect } from '../../src/index.ts'
import { createHub } from '../../src/server/index.ts'
import { createMockServer } from '../../src/testing/index.ts'
import { begin, serve } from '../helpers/serve.ts'

const quick = { base: 10, max: 10, jitter: false }

/** The lines from now on, without what differs each time. */
function traced(): string[] {
  const lines: string[] = []
  const undo = onTrace((line) =>
    lines.push(line.replace(/^unmissed \d+ \+[\d.]+s /, '').replace(/127\.0\.0\.1:\d+/, 'HOST')),
  )
  onTestFinished(undo)
  return lines
}

describe('onTrace tells each step in one line', () => {
  it('attempts, ids to resume after, waits and why, repetitions, the end', async () => {
    const lines = traced()
    const server = createMockServer({ headers: { unmissed: 'heartbeat=15000, ids=unique' } })
    const connection = connect('https://sse.test/events?token=secret', { fetch: server.fetch, retry: quick })
    connection.on(() => {})
    const first = await server.next()
    first.write('retry: 20\nid: 1\ndata: a\n\n')
    first.drop()
    const second = await server.next()
    second.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\n')
    await connection.next()
    connection.close()
    expect(lines).toEqual([
      'asks GET https://sse.test/events, from the beginning',
      'answered; heartbeat=15000, ids=unique',
      'open',
      'the server asks for 20 ms before each attempt',
      'waits 20 ms after failure 1; the server asked for 20 ms',
      'network: GET https://sse.test/events: the stream broke: terminated; again in 20 ms',
      'waiting',
      'connecting, attempt 2',
      'asks GET https://sse.test/events, after "1"',
      'answered; heartbeat=15000, ids=unique',
      'open',
      'drops "1", which has come before',
      'closed',
    ])
  })

  it('a gap, of our server and of another', async () => {
    const lines = traced()
    const hub = createHub({ history: 1 })
    const { url } = await serve((request, response) => {
      if (request.url?.startsWith('/hub')) return void hub.handle(request, response)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'last-event-id': '5' })
      response.write('id: 6\ndata: a\n\n')
    })
    onTestFinished(() => hub.close())
    await hub.publish({ data: 'a' })
    for (const path of ['hub', 'other']) {
      const connection = connect(`${url}${path}`, { lastEventId: 'x.1' })
      await Promise.all([connection.next(), path === 'hub' && hub.publish({ data: 'b' })])
      connection.close()
    }
    expect(lines.filter((line) => line.startsWith('gap'))).toEqual([
      expect.stringMatching(/^gap: asked for what is after "x\.1", got what is after "\w+\.\d+"$/),
      'gap: asked for what is after "x.1", got what is after "5"',
    ])
  })

  it('a bound that is met', async () => {
    const lines = traced()
    const { url } = await serve((_, response) => void begin(response).write('data: a\n\n'.repeat(5)))
    const connection = connect(url, { highWaterMark: 2 })
    let count = 0
    for await (const _ of connection) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (++count === 5) break
    }
    expect(lines).toContain('reads no more: a loop has as many events as may wait')
    expect(lines).toContain('reads on')
  })

  it('a listener that throws harms nobody, and none hears after its undo', async () => {
    const undo = onTrace(() => {
      throw new Error('mine')
    })
    const lines = traced()
    const server = createMockServer()
    const connection = connect('https://sse.test/', { fetch: server.fetch })
    await server.next()
    undo()
    connection.close()
    expect(lines.at(-1)).toBe('closed')
  })

  it('nothing is made where nobody listens', async () => {
    const server = createMockServer()
    const spy = vi.spyOn(JSON, 'stringify')
    const connection = connect('https://sse.test/', { fetch: server.fetch, lastEventId: '1' })
    await server.next()
    connection.close()
    expect(spy).not.toHaveBeenCalled()
  })
})

test.each([
  ['unmissed', true],
  ['http,unmissed', true],
  ['UNMISSED', true],
  ['http', false],
  ['', false],
])('NODE_DEBUG=%s writes it to standard error, or not', async (NODE_DEBUG, isTold) => {
  const code = `import { connect } from './src/index.ts'
    const connection = connect('https://sse.test/', { fetch: () => new Promise(() => {}) })
    setTimeout(connection.close, 20)`
  const args = ['--import', './test/helpers/typescript.mjs', '--input-type=module', '-e', code]
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_DEBUG },
  })
  expect(stdout).toBe('')
  expect(/^unmissed 1 \+0\.\d{3}s asks GET https:\/\/sse\.test\/, from the beginning$/m.test(stderr)).toBe(isTold)
})

describe('a connection in a log', () => {
  it('shows what it is', async () => {
    const { url } = await serve((_, response) => void response.writeHead(404).end())
    const connection = connect(`${url}events?token=secret`, { lastEventId: '7', onError() {} })
    expect(JSON.parse(JSON.stringify(connection))).toEqual({ state: 'connecting', attempt: 1, lastEventId: '7' })
    await connection.closed
    const request = `GET ${url}events`
    expect(JSON.parse(JSON.stringify(connection))).toEqual({
      request,
      state: 'closed',
      attempt: 1,
      error: `${request}: status 404, not 200`,
      lastEventId: '7',
    })
    expect(inspect(connection)).toMatch(/^Connection \{\n {2}request: 'GET \S+\/events',\n {2}state: 'closed',/)
  })
})
