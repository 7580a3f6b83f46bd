import { describe, expect, test, vi } from 'vitest'
import { ConnectError } from '../../src/client/errors.ts'
import { checkInit } from '../../src/eventsource/check-options.ts'
import { ConnectionErrorEvent, EventSource } from '../../src/eventsource/index.ts'
import { held, messages, next, serving, sleep } from './serving.ts'

vi.mock('../../src/eventsource/check-options.ts', { spy: true })
const unchecked = () => vi.mocked(checkInit).mockImplementationOnce(() => {})

const { base, open, stream, after } = serving()

/** Waits that a test can afford. */
const quick = { base: 10, random: () => 0 }

describe('headers [beyond the standard]', () => {
  test('go along with every request', async () => {
    const { source, seen } = await open([{ chunks: ['data: 1\n\n'] }, held('data: 2\n\n')], {
      headers: { authorization: 'Bearer x' },
      retry: quick,
    })
    await messages(source, 2)
    expect((await seen()).map(({ headers }) => headers.authorization)).toEqual(['Bearer x', 'Bearer x'])
  })

  test('may be a function, asked anew for each attempt with its number and the id to resume after', async () => {
    const infos: unknown[] = []
    const { source, seen } = await open([{ chunks: ['id: 7\ndata: 1\n\n'] }, { status: 0 }, held('data: 2\n\n')], {
      headers: async (info) => {
        infos.push({ ...info })
        return { authorization: `Bearer ${infos.length}` }
      },
      retry: quick,
    })
    await messages(source, 2)
    expect(infos).toEqual([
      { attempt: 1, lastEventId: '' },
      { attempt: 2, lastEventId: '7' },
      { attempt: 3, lastEventId: '7' },
    ])
    expect((await seen()).map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 3'])
  })

  test('that could not be made are asked for again, as after a network error', async () => {
    const headers = vi.fn(async () => ({})).mockRejectedValueOnce(new Error('no token yet'))
    const { source } = await open([held('data: 1\n\n')], { headers, retry: quick })
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.message, source.readyState]).toEqual([
      expect.stringContaining('no token yet'),
      EventSource.CONNECTING,
    ])
    expect(await messages(source, 1)).toEqual(['1'])
  })

  test('of which anything may be thrown, and is told', async () => {
    const thrown: unknown[] = ['text', undefined, null, 7, { message: 'like an error' }]
    const { source } = await open([held()], {
      headers: () => {
        throw thrown.shift()
      },
      retry: quick,
    })
    const told: string[] = []
    for (let turn = 0; turn < 5; turn++) told.push((await next<ConnectionErrorEvent>(source, 'error')).message)
    const cause = 'The connection failed'
    expect(told).toEqual([`${cause}: text`, cause, cause, `${cause}: 7`, `${cause}: like an error`])
  })

  test('that can never be sent are a TypeError at once, where no function may do better', () => {
    for (const headers of [{ 'bad name': '1' }, { name: '€' }, { name: 'a\nb' }])
      expect(() => new EventSource(base(), { headers })).toThrow(TypeError)
  })

  test('may be null in JavaScript, which is none', async () => {
    const { source } = await open([held('data: 1\n\n')], { headers: null as unknown as undefined })
    expect(await messages(source, 1)).toEqual(['1'])
  })

  test('do not replace what the standard sets, nor the live id', async () => {
    const { source, seen } = await open([{ chunks: ['id: 7\ndata: 1\n\n'] }, held('data: 2\n\n')], {
      headers: { accept: 'text/html', 'last-event-id': '1' },
      retry: quick,
    })
    await messages(source, 2)
    expect((await seen()).map(({ headers }) => [headers.accept, headers['last-event-id']])).toEqual([
      ['text/event-stream', '1'],
      ['text/event-stream', '7'],
    ])
  })

  test('of which Last-Event-ID is forgotten once the server has taken ids back', async () => {
    const { source, seen } = await open([{ chunks: ['id\ndata: 1\n\n'] }, held('data: 2\n\n')], {
      headers: { 'last-event-id': '1' },
      retry: quick,
    })
    await messages(source, 2)
    expect((await seen()).map(({ headers }) => headers['last-event-id'])).toEqual(['1', undefined])
  })

  test('go along with a redirect within the origin, and none of them to another', async () => {
    const target = await stream([{ chunks: ['data: 1\n\n'] }])
    const init = { headers: { 'x-api-key': 'secret', authorization: 'secret' }, retry: quick }
    const same = await open([{ status: 302, headers: { location: target.path } }], init)
    await next(same.source, 'message')
    same.source.close()
    const other = await open([{ status: 302, headers: { location: target.elsewhere } }], init)
    await next(other.source, 'message')
    expect((await target.seen()).map(({ headers }) => [headers['x-api-key'], headers.authorization])).toEqual([
      ['secret', 'secret'],
      [undefined, undefined],
    ])
  })
})

describe('redirects', () => {
  test('an id goes along to the origin that gave it, and to no other', async () => {
    const target = await stream([{ chunks: ['id: 1\ndata: 1\n\n'] }, { chunks: ['data: 2\n\n'] }])
    const third = await stream([held('data: 3\n\n')])
    const redirect = (location: string) => ({ status: 307, headers: { location } })
    const [first, last] = [redirect(target.elsewhere), redirect(third.url.replace('127.0.0.1', '127.0.0.2'))]
    const { source } = await open([first, first, last], { retry: quick })
    const heard: string[] = []
    source.onmessage = ({ data }) => heard.push(data)
    await vi.waitFor(() => expect(heard).toEqual(['1', '2']))
    expect((await target.seen()).map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1'])
  })

  test.each([
    ['an option', { lastEventId: '7' }],
    ['a header', { headers: { 'last-event-id': '7', 'x-api-key': 'secret' } }],
  ])('an id that the caller gave as %s goes along to another origin, as a browser takes it', async (_, init) => {
    const target = await stream([held('data: 1\n\n')])
    const { source, seen } = await open([{ status: 307, headers: { location: target.elsewhere } }], init)
    await next(source, 'message')
    const [request] = [...(await seen()), ...(await target.seen())].splice(1)
    expect([request?.headers['last-event-id'], request?.headers['x-api-key']]).toEqual(['7', undefined])
  })

  test("an id that was taken back does not give way to the caller's header, there either", async () => {
    const target = await stream([{ chunks: ['id\ndata: 1\n\n'] }, held('data: 2\n\n')])
    const init = { headers: { 'last-event-id': '7' }, retry: quick }
    const { source } = await open([{ status: 307, headers: { location: target.elsewhere } }], init)
    await messages(source, 2)
    expect((await target.seen()).map(({ headers }) => headers['last-event-id'])).toEqual(['7', undefined])
  })

  test.each([
    ['is missing', {}],
    ['is empty', { location: '' }],
  ])('one whose Location %s fails the connection', async (_, headers) => {
    const fetch = vi.fn(async () => new Response(null, { status: 302, headers }))
    const { source } = await open([], { fetch })
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, error.status, source.readyState]).toEqual(['status', 302, EventSource.CLOSED])
    expect(fetch).toHaveBeenCalledOnce()
  })

  test.each([
    ['no network', 'ftp://127.0.0.1/'],
    ['an address with a name and a password', 'http://name:word@127.0.0.1/'],
  ])('one to %s fails the connection', async (_, location) => {
    const { source } = await open([{ status: 302, headers: { location } }])
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, source.readyState]).toEqual(['network', EventSource.CLOSED])
    expect(error.message).not.toContain('word')
  })

  test('one to a malformed address is a network error, after which the connection is reestablished', async () => {
    const { source } = await open([{ status: 302, headers: { location: 'http://[nowhere' } }, held('data: 1\n\n')], {
      retry: quick,
    })
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, source.readyState]).toEqual(['network', EventSource.CONNECTING])
    expect(await messages(source, 1)).toEqual(['1'])
  })

  test('a circle of them is one, after twenty', async () => {
    const circle = await stream([{ status: 302, headers: { location: 'here' } }])
    const source = new EventSource(`${circle.url}/`)
    after(() => source.close())
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, source.readyState]).toEqual(['network', EventSource.CONNECTING])
    expect(await circle.seen()).toHaveLength(21)
  })
})

describe('fetch [beyond the standard]', () => {
  test('makes the requests, with the standard request as its init', async () => {
    const calls: [string, RequestInit][] = []
    const { source, url } = await open([held('data: 1\n\n')], {
      withCredentials: true,
      fetch(address, init) {
        calls.push([address, init])
        return fetch(address, init)
      },
    })
    await messages(source, 1)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.[0]).toBe(url)
    expect(calls[0]?.[1]).toMatchObject({ credentials: 'include', signal: expect.any(AbortSignal) })
  })

  test('is the global one of that moment where it is not given', async () => {
    const { stub, url } = { stub: vi.fn(fetch), ...(await stream([held('data: 1\n\n')])) }
    vi.stubGlobal('fetch', stub)
    const source = new EventSource(url)
    after(() => source.close())
    await messages(source, 1)
    expect(stub).toHaveBeenCalledOnce()
  })

  test('one that was aborted by somebody else fails the connection, as the standard says of aborted network errors', async () => {
    const { source } = await open([], { fetch: () => Promise.reject(new DOMException('stopped', 'AbortError')) })
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, source.readyState]).toEqual(['network', EventSource.CLOSED])
  })

  test('one that rejects with nothing is a network error', async () => {
    const { source } = await open([], { fetch: () => Promise.reject() })
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, source.readyState]).toEqual(['network', EventSource.CONNECTING])
  })

  test('one that ignores the signal keeps no body open after close()', async () => {
    const cancelled = vi.fn()
    const body = () => new ReadableStream<Uint8Array>({ cancel: cancelled })
    const headers = { 'content-type': 'text/event-stream' }
    const { source } = await open([], { fetch: async () => new Response(body(), { headers }) })
    await next(source, 'open')
    source.close()
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce())
    const late = new EventSource(base(), {
      fetch: async () => {
        late.close()
        return new Response(body(), { headers })
      },
    })
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(2))
    const refused = new EventSource(base(), { fetch: async () => new Response(body(), { status: 403, headers }) })
    await next(refused, 'error')
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(3))
  })
})

describe('baseURL [beyond the standard]', () => {
  test('is what a relative URL is relative to', async () => {
    const { path, url } = await stream([held('data: 1\n\n')])
    const source = new EventSource(path, { baseURL: new URL(base()) })
    after(() => source.close())
    expect(source.url).toBe(url)
    expect(await messages(source, 1)).toEqual(['1'])
  })

  test('a relative URL without one is a SyntaxError where there is neither document nor location', () => {
    expect(() => new EventSource('/events')).toThrow(
      expect.objectContaining({ name: 'SyntaxError', message: expect.stringContaining('/events') }),
    )
  })

  test('the document comes first, then the location', () => {
    vi.stubGlobal('location', { href: 'http://location.example/a/b' })
    const byLocation = new EventSource('c')
    byLocation.close()
    vi.stubGlobal('document', { baseURI: 'http://document.example/a/b' })
    const byDocument = new EventSource('c')
    byDocument.close()
    expect([byLocation.url, byDocument.url]).toEqual(['http://location.example/a/c', 'http://document.example/a/c'])
  })
})

describe('lastEventId [beyond the standard]', () => {
  test('is what the first attempt resumes after, and what events carry until the server names another', async () => {
    const { source, seen } = await open([held('data: 1\n\n')], { lastEventId: '日本' })
    expect((await next(source, 'message')).lastEventId).toBe('日本')
    expect((await seen())[0]?.headers['last-event-id']).toBe(Buffer.from('日本').toString('latin1'))
  })

  test.each([
    ['with a control character', 'a\u0001b'],
    ['of more than 4096 bytes', '€'.repeat(1366)],
  ])('an id %s is not sent, and stops nothing', async (_, id) => {
    const { source, seen } = await open([{ chunks: [`id: ${id}\ndata: 1\n\n`] }, held('data: 2\n\n')], { retry: quick })
    expect(await messages(source, 2)).toEqual(['1', '2'])
    expect((await seen())[1]?.headers['last-event-id']).toBe(undefined)
  })
})

describe('lastEventId, read [beyond the standard]', () => {
  test('is the id of the last event that was dispatched, not the last one read', async () => {
    const { source } = await open([held('id: 1\ndata: a\n\nid: 2\n\nid: 3\ndata: b\n\nid: 4\n\n')], {
      lastEventId: '0',
    })
    const seen = [source.lastEventId]
    source.onmessage = () => void seen.push(source.lastEventId)
    await messages(source, 2)
    expect(seen).toEqual(['0', '1', '3'])
    await vi.waitFor(() => expect(source.lastEventId).toBe('4'))
  })

  test('stays where it was when the source is closed in the middle of a chunk, so that another can go on', async () => {
    const { source, url, seen } = await open([held('id: 1\ndata: a\n\nid: 2\ndata: b\n\n'), held('data: c\n\n')])
    await next(source, 'message')
    source.close()
    await sleep(10)
    const other = new EventSource(url, { lastEventId: source.lastEventId })
    after(() => other.close())
    await next(other, 'message')
    expect([source.lastEventId, (await seen())[1]?.headers['last-event-id']]).toEqual(['1', '1'])
  })

  test('an id of the server goes over a broken event that is too large', async () => {
    const { source } = await open([held(`id: 1\ndata: a\n\ndata: ${'x'.repeat(2000)}`)], { maxEventSize: 1000 })
    await next(source, 'error')
    expect([source.lastEventId, source.readyState]).toEqual(['1', EventSource.CLOSED])
  })
})

describe('retry [beyond the standard]', () => {
  test('numbers that are none are no hot loop, where a production build checks nothing', async () => {
    unchecked()
    const { source, seen } = await open([{ chunks: ['data: 1\n\n'] }], { retry: { base: Number.NaN, max: Number.NaN } })
    await next(source, 'error')
    await sleep(50)
    expect(await seen()).toHaveLength(1)
  })

  test('the first wait is the reconnection time to the millisecond, and waits grow only while attempts fail', async () => {
    const waits: number[] = []
    const { source } = await open(
      [
        { chunks: ['retry: 20\ndata: 1\n\n'] },
        { status: 0 },
        { status: 0 },
        { chunks: ['data: 2\n\n'] },
        held('data: 3\n\n'),
      ],
      { retry: { random: () => 1 } },
    )
    const timer = vi.spyOn(globalThis, 'setTimeout')
    source.onerror = () => queueMicrotask(() => setImmediate(() => waits.push(Number(timer.mock.lastCall?.[1]))))
    await messages(source, 3)
    // floor + random · 6 floors · 2^n, as for connect(); and after an answer that gave something, the floor again.
    expect(waits).toEqual([20, 140, 260, 20])
  })

  test('statuses are those after which to come back, at Retry-After or later', async () => {
    const refused = { status: 503, headers: { 'retry-after': '1' } }
    const { source, seen } = await open([refused, held('data: 1\n\n')], { retry: { ...quick, statuses: [503] } })
    await next(source, 'error')
    expect(source.readyState).toBe(EventSource.CONNECTING)
    expect(await messages(source, 1)).toEqual(['1'])
    const [first, second] = await seen()
    expect(Number(second?.at) - Number(first?.at)).toBeGreaterThanOrEqual(990)
  })
})

describe('idleTimeout [beyond the standard]', () => {
  test('a stream that sends nothing for so long is given up and asked for again', async () => {
    const { source, seen } = await open([held('id: 1\ndata: 1\n\n'), held('data: 2\n\n')], {
      idleTimeout: 100,
      retry: quick,
    })
    const error = next<ConnectionErrorEvent>(source, 'error')
    expect(await messages(source, 2)).toEqual(['1', '2'])
    expect((await error).code).toBe('timeout-idle')
    expect((await seen())[0]?.aborted).toBe(true)
  })

  test('one that is none is for ever, where a production build checks nothing', async () => {
    for (const idleTimeout of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      unchecked()
      const { source, seen } = await open([held('data: 1\n\n')], { idleTimeout, retry: quick })
      await next(source, 'message')
      await sleep(30)
      expect([source.readyState, (await seen()).length]).toEqual([EventSource.OPEN, 1])
    }
  })

  test('any byte counts, comments too', async () => {
    const { source, seen } = await open([held('data: 1\n\n', ...Array(8).fill([60, ':\n']).flat(), 'data: 2\n\n')], {
      idleTimeout: 200,
      retry: quick,
    })
    expect(await messages(source, 2)).toEqual(['1', '2'])
    expect(await seen()).toHaveLength(1)
  })
})

describe('maxEventSize [beyond the standard]', () => {
  test('an event beyond it fails the connection, and those before it come', async () => {
    const { source, seen } = await open([held(`data: 1\n\ndata: ${'x'.repeat(2000)}`)], { maxEventSize: 1000 })
    const before = messages(source, 1)
    const error = await next<ConnectionErrorEvent>(source, 'error')
    expect([error.code, source.readyState, await before]).toEqual(['event-too-large', EventSource.CLOSED, ['1']])
    await vi.waitFor(async () => expect((await seen())[0]?.aborted).toBe(true))
  })
})

describe('error events [beyond the standard]', () => {
  test('carry code, status and message of what the server refused', async () => {
    const { source } = await open([{ status: 401, chunks: ['who are you?'] }])
    const event = await next<ConnectionErrorEvent>(source, 'error')
    expect(event).toBeInstanceOf(ConnectionErrorEvent)
    expect(event).toBeInstanceOf(Event)
    expect(event).toMatchObject({
      type: 'error',
      code: 'status',
      status: 401,
      message: 'Status 401, text/event-stream',
    })
    expect(event.error).toBeInstanceOf(ConnectError)
    expect(event.error.headers?.get('content-type')).toBe('text/event-stream')
  })

  test.each([
    ['content-type', { headers: { 'content-type': 'text/html' } }, 200],
    ['ended', { chunks: ['data: 1\n\n'] }, undefined],
    ['network', { status: 0 }, undefined],
  ])('say %s', async (code, answer, status) => {
    const { source } = await open([answer])
    expect(await next(source, 'error')).toMatchObject({ code, status })
  })
})

describe('whatever happens', () => {
  test('the options are those of the moment of its making', async () => {
    const init = { headers: { 'x-own': '1' }, withCredentials: false, retry: quick }
    const inits: RequestInit[] = []
    const { source, seen } = await open([{ chunks: ['data: 1\n\n'] }, held('data: 2\n\n')], {
      ...init,
      fetch(url, request) {
        inits.push(request)
        return fetch(url, request)
      },
    })
    const made = new EventSource(source.url, init)
    after(() => made.close())
    Object.assign(init, { headers: { 'x-own': '2' }, withCredentials: true })
    await messages(made, 1)
    expect((await seen()).map(({ headers }) => headers['x-own'])).toEqual(['1', '1'])
    expect(inits.map(({ credentials }) => credentials)).toEqual(['same-origin'])
  })

  test('a listener that throws is reported and disturbs nobody else', async () => {
    const { source } = await open([held('data: 1\n\ndata: 2\n\n')])
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error.message))
    after(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    })
    source.addEventListener('message', ({ data }) => {
      throw new Error(`cannot take ${data}`)
    })
    expect(await messages(source, 2)).toEqual(['1', '2'])
    await sleep(20)
    expect(uncaught).toEqual(['cannot take 1', 'cannot take 2'])
  })

  test('a reader that falls behind is felt by the server: no chunk is read before the last one is dispatched', async () => {
    const pulled: number[] = []
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled.push(Date.now())
          controller.enqueue(new TextEncoder().encode('data: x\n\n'.repeat(1000)))
        },
      },
      { highWaterMark: 0 },
    )
    const headers = { 'content-type': 'text/event-stream' }
    const { source } = await open([], { fetch: async () => new Response(body, { headers }) })
    let heard = 0
    await new Promise<void>((resolve) => {
      source.onmessage = () => {
        heard++
        expect(pulled.length).toBe(Math.ceil(heard / 1000))
        if (heard === 3500) resolve()
      }
    })
  })

  test('close() leaves no timer, listener or socket behind, however far it had come', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const waiting = await open([{ chunks: ['data: 1\n\n'] }])
    const silent = await open([held('data: 1\n\n')], { idleTimeout: 60_000 })
    await Promise.all([next(waiting.source, 'error'), next(silent.source, 'message')])
    await sleep(20)
    waiting.source.close()
    silent.source.close()
    await vi.waitFor(async () => expect((await silent.seen())[0]?.aborted).toBe(true))
    await vi.waitFor(() =>
      expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThanOrEqual(before),
    )
  })
})
