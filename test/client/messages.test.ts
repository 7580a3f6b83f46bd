import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, onTestFinished, test, vi } from 'vitest'
import { type ConnectError, type ConnectOptions, connect } from '../../src/index.ts'
import { reportUnheard } from '../../src/testing/index.ts'
import { freePort } from '../helpers/listen.ts'
import { begin, serve } from '../helpers/serve.ts'

type Options = ConnectOptions & { parse?: undefined; schemas?: undefined }

/** The first error of a connection, and where it was asked. */
async function first(url: string, options: Options = {}): Promise<ConnectError> {
  return new Promise((resolve) => {
    const connection = connect(url, {
      ...options,
      onError(error) {
        resolve(error)
        connection.close()
      },
    })
    // Data is read for whoever listens.
    connection.on(() => {})
    onTestFinished(() => connection.close())
  })
}

const guide = readFileSync(new URL('../../src/client/README.md', import.meta.url), 'utf8')

describe('a message names the request without what may be secret, what came, and what its causes say', () => {
  const told = new Set<string>()
  const check = (error: ConnectError, code: string, message: string | RegExp) => {
    expect(error.code).toBe(code)
    if (typeof message === 'string') expect(error.message).toBe(message)
    else expect(error.message).toMatch(message)
    expect(error.message).not.toMatch(/secret/)
    told.add(code)
  }
  const plain = (url: string) => `${url}events`

  it('network: nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/`
    const port = new URL(url).port
    check(
      await first(`${url}events?token=secret`),
      'network',
      `GET ${plain(url)}: no connection: fetch failed: connect ECONNREFUSED 127.0.0.1:${port}`,
    )
  })
  it('network: the stream breaks', async () => {
    const { url } = await serve((_, response) => void begin(response).write('data: a\n\n', () => response.destroy()))
    check(await first(`${url}events`), 'network', /^GET \S+\/events: the stream broke: .+/)
  })
  it('ended', async () => {
    const { url } = await serve((_, response) => void begin(response).end())
    check(await first(`${url}events`), 'ended', `GET ${plain(url)}: the stream ended`)
  })
  it('timeout-connect', async () => {
    const { url } = await serve(() => {})
    check(
      await first(`${url}events`, { connectTimeout: 30 }),
      'timeout-connect',
      `GET ${plain(url)}: no answer in 30 ms`,
    )
  })
  it('timeout-idle', async () => {
    const { url } = await serve((_, response) => void begin(response))
    check(await first(`${url}events`, { idleTimeout: 30 }), 'timeout-idle', `GET ${plain(url)}: no byte in 30 ms`)
  })
  it('status', async () => {
    const { url } = await serve((_, response) => void response.writeHead(404).end('no such stream'))
    const error = await first(`${url}events?token=secret`, { method: 'POST', body: '{}' })
    check(error, 'status', `POST ${plain(url)}: status 404, not 200`)
    expect(error.body).toBe('no such stream')
  })
  it('content-type', async () => {
    const { url } = await serve(
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    )
    check(await first(`${url}events`), 'content-type', `GET ${plain(url)}: text/html, not text/event-stream`)
  })
  it('redirect', async () => {
    const { url } = await serve((_, response) => void response.writeHead(302, { location: '' }).end())
    check(await first(`${url}events`), 'redirect', `GET ${plain(url)}: cannot follow redirect 1, to `)
  })
  it('no-body', async () => {
    const headers = new Headers({ 'content-type': 'text/event-stream' })
    const fetch = async () => ({ status: 200, headers, type: 'basic', url: '' }) as Response
    check(await first('http://a/events', { fetch }), 'no-body', /^GET http:\/\/a\/events: this fetch cannot stream/)
  })
  it('request', async () => {
    const headers = () => Promise.reject(new Error('no token', { cause: new Error('the vault is closed') }))
    check(await first('http://a/', { headers }), 'request', 'no request could be made: no token: the vault is closed')
  })
  it('event-too-large', async () => {
    const { url } = await serve((_, response) => void begin(response).write(`data: ${'x'.repeat(99)}\n\n`))
    check(
      await first(`${url}events`, { maxEventSize: 50 }),
      'event-too-large',
      /^GET \S+\/events: an event is too long: /,
    )
  })
  it('invalid-data', async () => {
    const { url } = await serve((_, response) => void begin(response).write('event: tick\ndata: {\n\n'))
    check(await first(`${url}events`, { parse: 'json' } as never), 'invalid-data', /^invalid data of "tick": .*JSON/)
  })
  it('unsendable-id', async () => {
    const { url } = await serve((_, response) => void begin(response))
    const error = await first(`${url}events`, { lastEventId: 'x'.repeat(5000) })
    check(error, 'unsendable-id', 'the last event id is too long to be sent')
  })
  it('consumer-stalled', async () => {
    const { url } = await serve((_, response) => void begin(response).write('data: a\n\n'.repeat(9)))
    const stalled = new Promise<ConnectError>((onError) => {
      const connection = connect(`${url}events`, { highWaterMark: 1, stallTimeout: 20, onError })
      onTestFinished(() => connection.close())
      connection.iterate()
    })
    check(await stalled, 'consumer-stalled', 'a loop took no event in 20 ms')
  })
  it('deadline', async () => {
    const { url } = await serve((_, response) => void begin(response))
    check(await first(`${url}events`, { deadline: 40 }), 'deadline', `GET ${plain(url)}: not over in 40 ms`)
  })
  it('run-failed', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', unmissed: 'run' })
      response.write('event: outcome\ndata: {"state":"failed","code":"no-credit","message":"buy some"}\n\n')
    })
    check(await first(`${url}events`), 'run-failed', `GET ${plain(url)}: buy some`)
  })
  it('closed', async () => {
    const { url } = await serve((_, response) => void begin(response))
    const connection = connect(url)
    const next = connection.next()
    connection.close()
    check(await connection.opened.catch((error) => error), 'closed', 'closed before it opened')
    check(await next.catch((error) => error), 'closed', 'closed before such an event')
  })
  test.each<[string, unknown, object, RegExp]>([
    ['no address', undefined, {}, /^an address is missing: connect\(url\)$/],
    ['an empty one', '', {}, /^an address is missing/],
    [
      'a relative one where there is no page',
      '/events',
      {},
      /^"\/events" is relative, and here is no page .*http:\/\/localhost:3000\/events$/,
    ],
    [
      'a host without a protocol',
      'localhost:3000/events',
      {},
      /^"localhost:3000\/events" begins with localhost: where http:\/\/ or https:\/\/ was expected$/,
    ],
    ['another protocol', 'ws://a/events', {}, /begins with ws: where http/],
    ['a header that is none', 'http://a/', { headers: { 'a b': 'c' } }, /^headers: .*a b/],
    ['a header’s value that is none', 'http://a/', { headers: { a: 'b\nc' } }, /^headers: /],
  ])('invalid-option: %s is thrown at once', (_, url, options, message) => {
    let error: unknown
    try {
      connect(url as string, options)
    } catch (thrown) {
      error = thrown
    }
    check(error as ConnectError, 'invalid-option', message)
  })
  it('invalid-option: a function that answers with a mistake fails the connection', async () => {
    for (const [url, options] of [
      [() => 'ftp://a/', {}],
      ['http://a/', { headers: () => ({ 'a b': 'c' }) }],
    ] as const) {
      const errors: ConnectError[] = []
      const connection = connect(url, { ...options, onError: (error) => errors.push(error) })
      expect(await connection.closed).toBe('failed')
      expect(errors).toMatchObject([{ code: 'invalid-option', delay: undefined }])
    }
  })

  test('every code has its row in the guide, and every row its test here', () => {
    const table = guide.slice(guide.indexOf('| code | message | then | what to do |'))
    const rows = [...table.slice(0, table.indexOf('\n\n')).matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)
    expect(rows.sort()).toEqual([...told].sort())
  })
})

test.each(['hello', 'null', '{', ''])(
  'an event of the name `gap` with the data %j, of a server that uses accept alone, breaks nothing',
  async (data) => {
    const { url, requests } = await serve((_, response) => {
      begin(response, { unmissed: 'heartbeat=15000' }).write(`event: gap\ndata: ${data}\n\ndata: after\n\n`)
    })
    const gaps: unknown[] = []
    const errors: unknown[] = []
    const connection = connect(url, { onGap: (gap) => gaps.push(gap), onError: (error) => errors.push(error) })
    onTestFinished(() => connection.close())
    const loop = connection.iterate()
    expect([(await loop.next()).value?.data, (await loop.next()).value?.data]).toEqual([data, 'after'])
    expect([gaps, errors, requests.length]).toEqual([[{ asked: '', resumed: undefined, data }], [], 1])
  },
)

describe('what nobody would hear of', () => {
  let said: MockInstance
  beforeEach(() => {
    said = vi.spyOn(console, 'error').mockImplementation(() => {})
  })
  afterEach(() => vi.restoreAllMocks())
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
  const refusing = () => serve((_, response) => void response.writeHead(404).end())

  it('is told on the console once where the connection fails, with how to listen', async () => {
    const { url } = await refusing()
    const connection = connect(`${url}events`)
    connection.on(() => {})
    await vi.waitFor(() => expect(connection.state).toBe('closed'))
    expect(said.mock.calls).toEqual([
      [`unmissed: GET ${url}events: status 404, not 200 (status). Pass { onError } to hear of this yourself.`],
    ])
  })

  it('is told once where it never opens, however often it is tried', async () => {
    const connection = connect(`http://127.0.0.1:${await freePort()}/`, { retry: { base: 5, max: 5 } })
    onTestFinished(() => connection.close())
    await pause(80)
    expect(said).toHaveBeenCalledTimes(1)
    expect(said.mock.calls[0]?.[0]).toMatch(/ECONNREFUSED .* \(network\)\. It is tried again\. Pass { onError }/)
  })

  it('is not told where a test wants quiet, and again where it does not', async () => {
    const { url } = await refusing()
    reportUnheard(false)
    onTestFinished(() => reportUnheard(true))
    const quiet = connect(`${url}events`)
    await vi.waitFor(() => expect(quiet.state).toBe('closed'))
    expect(said).not.toHaveBeenCalled()
    reportUnheard(true)
    const loud = connect(`${url}events`)
    await vi.waitFor(() => expect(loud.state).toBe('closed'))
    expect(said).toHaveBeenCalledTimes(1)
  })

  it('is not told of a stream that worked and is tried again', async () => {
    const { url, requests } = await serve((_, response) => void begin(response).end('data: a\n\n'))
    const connection = connect(url, { retry: { base: 5, max: 5 } })
    onTestFinished(() => connection.close())
    await vi.waitFor(() => expect(requests.length).toBeGreaterThan(2))
    expect(said).not.toHaveBeenCalled()
  })

  test.each<[string, Options, (connection: ReturnType<typeof connect>) => unknown]>([
    ['onError', { onError() {} }, () => {}],
    ['onState', { onState() {} }, () => {}],
    ['subscribe', {}, (connection) => connection.subscribe(() => {})],
    ['closed', {}, (connection) => connection.closed],
    ['opened', {}, (connection) => connection.opened.catch(() => {})],
    [
      'a loop',
      {},
      (connection) =>
        (async () => {
          for await (const _ of connection);
        })().catch(() => {}),
    ],
    ['next()', {}, (connection) => connection.next().catch(() => {})],
  ])('is not told where there is somebody at %s', async (_, options, listen) => {
    const { url } = await refusing()
    const connection = connect(url, options)
    listen(connection)
    await vi.waitFor(() => expect(connection.state).toBe('closed'))
    expect(said).not.toHaveBeenCalled()
  })
})
