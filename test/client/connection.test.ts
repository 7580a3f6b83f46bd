import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import {
  type ConnectError,
  type Connection,
  type ConnectOptions,
  connect,
  type ServerSentEvent,
} from '../../src/index.ts'
import { createMockServer, type MockRequest } from '../../src/testing/index.ts'

const URL = 'https://sse.test/events'
type Options = ConnectOptions & { parse?: undefined; schemas?: undefined }

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(async () => {
  for (const close of open.splice(0)) close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount(), 'timers that were left').toBe(0)
  vi.useRealTimers()
})

const open: (() => void)[] = []
const settle = () => vi.advanceTimersByTimeAsync(0)

function start(options: Options = {}, onRequest?: (request: MockRequest) => void) {
  const server = createMockServer({ onRequest })
  const states: string[] = []
  const errors: ConnectError[] = []
  const connection = connect(URL, {
    fetch: server.fetch,
    onError: (error) => void errors.push(error),
    ...options,
    onState(snapshot) {
      states.push(snapshot.state)
      options.onState?.(snapshot)
    },
  })
  open.push(() => connection.close())
  const events: string[] = []
  connection.on(({ data }) => events.push(data))
  return { server, connection, states, errors, events }
}

describe('the beginning', () => {
  it('comes after the caller gave way, so that no listener comes late', async () => {
    const { server, connection, events } = start({}, (request) => request.send({ data: 'first' }))
    expect(server.requests).toHaveLength(0)
    expect(connection.snapshot).toEqual({
      state: 'connecting',
      attempt: 1,
      delay: undefined,
      error: undefined,
      lastEventId: '',
    })
    await settle()
    expect(events).toEqual(['first'])
  })
  it('resolves `opened`', async () => {
    const { server, connection } = start()
    const opened = vi.fn()
    connection.opened.then(opened)
    const request = await server.next()
    await settle()
    expect(opened).not.toHaveBeenCalled()
    request.open()
    await connection.opened
    expect(connection.state).toBe('open')
  })
  it('rejects `opened` where there is none, and nobody has to listen', async () => {
    const { connection } = start({}, (request) => request.status(404))
    expect(await connection.closed).toBe('failed')
    await expect(connection.opened).rejects.toMatchObject({ code: 'status', status: 404 })
    const closed = start().connection
    closed.close()
    await expect(closed.opened).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('what may change between attempts', () => {
  it('is a function of the attempt, called anew for each', async () => {
    const infos: unknown[] = []
    let token = 0
    const server = createMockServer()
    const connection = connect(
      async (info) => {
        infos.push(info)
        return `${URL}?after=${info.lastEventId}`
      },
      {
        fetch: server.fetch,
        headers: async ({ attempt }) => ({ authorization: `Bearer ${++token}`, attempt: `${attempt}` }),
      },
    )
    open.push(() => connection.close())
    const first = await server.next()
    first.send({ id: '1', data: 'a' })
    first.drop()
    await vi.advanceTimersByTimeAsync(1000)
    const second = await server.next()
    expect(infos).toEqual([
      { attempt: 1, lastEventId: '' },
      { attempt: 2, lastEventId: '1' },
    ])
    expect(second.url).toBe(`${URL}?after=1`)
    expect(second.headers.get('authorization')).toBe('Bearer 2')
    expect(second.headers.get('attempt')).toBe('2')
  })
  it('may turn a POST into a GET that resumes', async () => {
    const { server } = start({
      method: ({ lastEventId }) => (lastEventId ? 'GET' : 'POST'),
      body: ({ lastEventId }) => (lastEventId ? undefined : '{}'),
      retry: true,
    })
    const first = await server.next()
    expect([first.method, first.body]).toEqual(['POST', '{}'])
    first.send({ id: '1', data: 'a' })
    first.drop()
    await vi.advanceTimersByTimeAsync(1000)
    const second = await server.next()
    expect([second.method, second.body ?? null, second.headers.get('last-event-id')]).toEqual(['GET', null, '1'])
  })
  test.each<[string, Options['headers']]>([
    ['an object', { 'X-Key': 'k' }],
    ['pairs', [['x-key', 'k']]],
    ['Headers', new Headers({ 'x-key': 'k' })],
    ['a function', () => new Headers({ 'x-key': 'k' })],
  ])('headers may be %s', async (_, headers) => {
    const { server } = start({ headers })
    expect((await server.next()).headers.get('x-key')).toBe('k')
  })
  it('fails the attempt and not the connection where it throws', async () => {
    let calls = 0
    const { server, errors } = start({
      headers: () => {
        if (calls++ === 0) throw new Error('no token')
        return {}
      },
    })
    await settle()
    expect(server.requests).toHaveLength(0)
    expect(errors).toMatchObject([{ code: 'request', delay: 1000, message: expect.stringContaining('no token') }])
    await vi.advanceTimersByTimeAsync(1000)
    expect(server.requests).toHaveLength(1)
  })
  test.each(['text', Symbol('text'), { message: 'text' }])(
    'tells what it throws, also if that is %s',
    async (thrown) => {
      const { errors } = start({
        headers: () => {
          throw thrown
        },
      })
      await settle()
      expect(errors).toMatchObject([{ code: 'request', message: expect.stringContaining('text'), cause: thrown }])
    },
  )
  it('is not waited for any more once we are closed, nor is a request made then', async () => {
    let give = (_: HeadersInit) => {}
    const { server, connection, states } = start({ headers: () => new Promise((resolve) => (give = resolve)) })
    await settle()
    connection.close()
    expect(await connection.closed).toBe('closed')
    give({})
    await settle()
    expect(server.requests).toHaveLength(0)
    expect(states).toEqual(['closed'])
  })
  it('is given to fetch with the other fetch options, and none of ours breaks it', async () => {
    const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response(null, { status: 204 }))
    const connection = connect(URL, { fetch, credentials: 'include', mode: 'cors', keepalive: false, priority: 'low' })
    await connection.closed
    expect(fetch.mock.calls[0]?.[0]).toBe(URL)
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({
      credentials: 'include',
      mode: 'cors',
      keepalive: false,
      priority: 'low',
    })
  })
  it('may be what only the fetch of a runtime knows', async () => {
    const dispatcher = {}
    const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response(null, { status: 204 }))
    await connect(URL, { fetch, fetchOptions: { dispatcher, cf: { cacheTtl: 0 }, method: 'DELETE' } }).closed
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({ dispatcher, cf: { cacheTtl: 0 }, method: 'GET' })
  })
  it('may name another Accept and Cache-Control', async () => {
    const { server } = start({
      headers: { accept: 'application/json, text/event-stream', 'cache-control': 'max-age=0' },
    })
    const { headers } = await server.next()
    expect([headers.get('accept'), headers.get('cache-control')]).toEqual([
      'application/json, text/event-stream',
      'max-age=0',
    ])
  })
})

describe('the signal', () => {
  it('that is aborted already lets nothing begin', async () => {
    const { server, connection } = start({ signal: AbortSignal.abort() })
    expect(connection.state).toBe('closed')
    expect(await connection.closed).toBe('aborted')
    await settle()
    expect(server.requests).toHaveLength(0)
  })
  it('that is aborted already calls nobody before `connect` returned', async () => {
    const onState = vi.fn()
    const { connection } = start({ signal: AbortSignal.abort(), onState })
    expect([connection.state, onState.mock.calls.length]).toEqual(['closed', 0])
    await settle()
    expect(onState.mock.calls).toMatchObject([[{ state: 'closed' }]])
  })
  it('closes the connection, and its listener goes with it', async () => {
    const abort = new AbortController()
    const { server, connection, events } = start({ signal: abort.signal })
    const request = await server.next()
    request.send({ data: 'a' })
    await settle()
    abort.abort()
    expect(connection.state).toBe('closed')
    expect(await request.closed).toBe('aborted')
    expect(await connection.closed).toBe('aborted')
    expect(events).toEqual(['a'])
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })
  it('is left alone after the end', async () => {
    const abort = new AbortController()
    const { connection } = start({ signal: abort.signal }, (request) => request.status(204))
    expect(await connection.closed).toBe('stopped')
    abort.abort()
    expect(await connection.closed).toBe('stopped')
  })
})

describe('close', () => {
  it('in a listener stops at once: no event after it, not even of the same chunk', async () => {
    const { connection, events, server } = start()
    connection.on('message', ({ data }) => data === '2' && connection.close())
    const request = await server.next()
    request.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: 3\n\n')
    await settle()
    expect(events).toEqual(['1', '2'])
    expect(connection.lastEventId).toBe('2')
    expect(await request.closed).not.toBe('ended')
  })
  it('any number of times is one close', async () => {
    const { connection, states } = start()
    connection.close()
    connection.close()
    expect(states).toEqual(['closed'])
  })
  it('while waiting takes the wait away', async () => {
    const { connection, states, server } = start({}, (request) => request.status(503))
    await vi.advanceTimersByTimeAsync(10)
    expect(connection.state).toBe('waiting')
    connection.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states).toEqual(['waiting', 'closed'])
    expect(server.requests).toHaveLength(1)
  })
  it('is final: neither resume nor reconnect opens it again', async () => {
    const { connection, states } = start()
    connection.close()
    connection.pause()
    connection.unpause()
    connection.reconnect()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states).toEqual(['closed'])
  })
  it('in a comment’s callback stops at once, too', async () => {
    const { connection, events, server } = start({ onComment: () => connection.close() })
    const request = await server.next()
    request.write('data: 1\n\n: stop\ndata: 2\n\n')
    await settle()
    expect(events).toEqual(['1'])
  })
  it.each(['onOpen', 'onState', 'onError'] as const)('in %s is obeyed', async (name) => {
    let connection: Connection | undefined
    const made = start({ [name]: () => connection?.close() }, (request) =>
      name === 'onError' ? request.status(503) : request.send({ data: 'a' }),
    )
    connection = made.connection
    expect(await connection.closed).toBe('closed')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(made.server.requests).toHaveLength(1)
    expect(made.events).toEqual([])
    expect(made.states.at(-1)).toBe('closed')
    expect(made.states.filter((state) => state === 'closed')).toHaveLength(1)
  })
  it('happens at the end of `using` and `await using`', async () => {
    const sync = start().connection
    sync[Symbol.dispose]()
    expect(sync.state).toBe('closed')
    const late = start().connection
    await late[Symbol.asyncDispose]()
    expect(late.state).toBe('closed')
  })
})

describe('pause', () => {
  it('disconnects, keeps the id, and resume goes on after it', async () => {
    const { connection, states, server } = start()
    const first = await server.next()
    first.send({ id: '1', data: 'a' })
    await settle()
    connection.pause()
    expect(connection.snapshot).toMatchObject({ state: 'paused', lastEventId: '1' })
    expect(await first.closed).toBe('aborted')
    await vi.advanceTimersByTimeAsync(600_000)
    expect(server.requests).toHaveLength(1)
    connection.unpause()
    expect(connection.state).toBe('connecting')
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.open()
    await settle()
    expect(states).toEqual(['open', 'paused', 'connecting', 'open'])
  })
  it('in a listener drops the rest of the chunk, which the server sends again after the id', async () => {
    const { connection, events, server } = start()
    const undo = connection.on(() => {
      undo()
      connection.pause()
    })
    const first = await server.next()
    first.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\n')
    await settle()
    expect(events).toEqual(['a'])
    connection.unpause()
    expect((await server.next()).headers.get('last-event-id')).toBe('1')
  })
  it('is no stable period: how long a stream lasted is judged when it is left', async () => {
    let count = 0
    const { connection } = start({}, (request) => (count++ === 0 ? request.drop() : request.send({ data: 'a' })))
    await vi.advanceTimersByTimeAsync(1010)
    expect(connection.snapshot).toMatchObject({ state: 'open', attempt: 2 })
    connection.pause()
    await vi.advanceTimersByTimeAsync(60_000)
    connection.unpause()
    expect(connection.snapshot.attempt).toBe(2)
    await vi.advanceTimersByTimeAsync(5000)
    connection.reconnect()
    expect(connection.snapshot.attempt).toBe(1)
  })
  it('before the first attempt lets none be made', async () => {
    const { connection, server } = start()
    connection.pause()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.requests).toHaveLength(0)
    connection.unpause()
    await settle()
    expect(server.requests).toHaveLength(1)
  })
  it('twice is once, and resume without pause is nothing', async () => {
    const { connection, states, server } = start()
    await server.next()
    connection.unpause()
    connection.pause()
    connection.pause()
    expect(states).toEqual(['paused'])
    await settle()
    expect(server.requests).toHaveLength(1)
  })
  it('in onError is not overtaken by the wait', async () => {
    let connection: Connection | undefined
    const made = start({ onError: () => connection?.pause() }, (request) => request.status(503))
    connection = made.connection
    await vi.advanceTimersByTimeAsync(60_000)
    expect(made.states).toEqual(['paused'])
    expect(made.server.requests).toHaveLength(1)
    connection.unpause()
    await settle()
    expect(made.server.requests).toHaveLength(2)
  })
})

describe('reconnect', () => {
  it('drops what there is and tries at once', async () => {
    const { connection, states, server } = start()
    const first = await server.next()
    first.send({ id: '1', data: 'a' })
    await settle()
    connection.reconnect()
    expect(await first.closed).toBe('aborted')
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.open()
    await settle()
    expect(states).toEqual(['open', 'connecting', 'open'])
  })
  it('while waiting waits no longer', async () => {
    const { connection, server } = start({}, (request) => request.status(503))
    await vi.advanceTimersByTimeAsync(10)
    expect(server.requests).toHaveLength(1)
    connection.reconnect()
    await settle()
    expect(server.requests).toHaveLength(2)
  })
  it('takes a pause away', async () => {
    const { connection, server } = start()
    connection.pause()
    connection.reconnect()
    await settle()
    expect(server.requests).toHaveLength(1)
  })
})

describe('no race makes two live attempts', () => {
  it('however the caller plays, with a fetch that takes its time and forgets its signal', async () => {
    const random = createRandom(7)
    let live = 0
    let most = 0
    // Counts bodies that were handed over and not cancelled, and none that came too late for anybody.
    const fetch = async (_url: string, { signal }: RequestInit) => {
      await new Promise((resolve) => setTimeout(resolve, random() * 20))
      const mine = !signal?.aborted
      return new Response(
        new ReadableStream({
          start() {
            if (mine) most = Math.max(most, ++live)
          },
          cancel() {
            if (mine) live--
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )
    }
    const connection = connect(URL, { fetch, retry: { base: 1, max: 5 } })
    open.push(() => connection.close())
    const acts = ['pause', 'unpause', 'reconnect', 'unpause'] as const
    const act = () => connection[acts[Math.floor(random() * acts.length)] ?? 'unpause']()
    for (let turn = 0; turn < 3000; turn++) {
      act()
      if (random() < 0.3) act()
      for (let ticks = Math.floor(random() * 12); ticks > 0; ticks--) await Promise.resolve()
      if (random() < 0.5) await vi.advanceTimersByTimeAsync(Math.floor(random() * 30))
    }
    connection.unpause()
    await vi.advanceTimersByTimeAsync(100)
    expect(connection.state).toBe('open')
    expect([live, most]).toEqual([1, 1])
    connection.close()
    await settle()
    expect(live).toBe(0)
  })
  it('and the state is always that of the last wish', async () => {
    const random = createRandom(11)
    const server = createMockServer({
      onRequest(request) {
        const dice = random()
        if (dice < 0.3) request.drop()
        else if (dice < 0.6) request.status(503)
        else {
          request.send({ data: 'x' })
          if (dice < 0.8) request.end()
        }
      },
    })
    const connection = connect(URL, { fetch: server.fetch, retry: { base: 10, max: 20 } })
    open.push(() => connection.close())
    for (let turn = 0; turn < 2000; turn++) {
      const paused = random() < 0.5
      if (paused) connection.pause()
      else connection.reconnect()
      for (let ticks = Math.floor(random() * 20); ticks > 0; ticks--) await Promise.resolve()
      if (paused) expect(connection.state).toBe('paused')
      else expect(connection.state).not.toBe('paused')
      expect(server.live).toBeLessThanOrEqual(1)
      if (random() < 0.2) await vi.advanceTimersByTimeAsync(15)
    }
  })
})

describe('subscribers', () => {
  it('hear each new state with its snapshot, until they are undone', async () => {
    const { connection, server } = start()
    const heard: string[] = []
    const undo = connection.subscribe(({ state }) => heard.push(state))
    const request = await server.next()
    request.open()
    await settle()
    undo()
    undo()
    connection.close()
    expect(heard).toEqual(['open'])
  })
  it('do not hear of a state that is past when their turn comes', async () => {
    const { connection, server } = start()
    const heard: string[] = []
    connection.subscribe(({ state }) => {
      if (state === 'open') connection.close()
    })
    connection.subscribe(({ state }) => heard.push(state))
    const request = await server.next()
    request.open()
    await settle()
    expect(heard).toEqual(['closed'])
  })
  it('are not called any more where one before them undid them', async () => {
    const { connection, server } = start()
    const heard: string[] = []
    connection.subscribe(() => undo())
    const undo = connection.subscribe(({ state }) => heard.push(state))
    const request = await server.next()
    request.open()
    await settle()
    expect(heard).toEqual([])
  })
  it('find a snapshot that is replaced and never changed, and the same one until something changes', async () => {
    const { connection, server } = start()
    const request = await server.next()
    request.send({ id: '1', data: 'a' })
    await settle()
    const first = connection.snapshot
    expect(connection.snapshot).toBe(first)
    expect(first).toMatchObject({ state: 'open', lastEventId: '1' })
    request.send({ id: '2', data: 'b' })
    await settle()
    expect(connection.snapshot).not.toBe(first)
    expect(connection.snapshot).toEqual({ ...first, lastEventId: '2' })
    expect(first.lastEventId).toBe('1')
  })
})

describe('the watchdog', () => {
  it('looks at the clock when the page wakes, because timers sleep with the machine', async () => {
    const page = new EventTarget()
    vi.stubGlobal('document', page)
    const { server, errors } = start({ idleTimeout: 10_000 })
    const request = await server.next()
    request.open()
    await settle()
    vi.setSystemTime(Date.now() + 11_000)
    page.dispatchEvent(new Event('resume'))
    await vi.advanceTimersByTimeAsync(100)
    expect(errors).toMatchObject([{ code: 'timeout-idle' }])
    expect(await request.closed).toBe('aborted')
  })
  it('is not misled by a clock that is set back', async () => {
    const { server, errors } = start({ idleTimeout: 10_000 })
    const request = await server.next()
    request.open()
    await settle()
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(20_100)
    expect(errors).toMatchObject([{ code: 'timeout-idle' }])
  })
  it('holds one timer for a stream, however much it sends', async () => {
    const { server } = start({ idleTimeout: 10_000 })
    const request = await server.next()
    request.open()
    await settle()
    for (let i = 0; i < 100; i++) request.send({ data: 'a' })
    await vi.advanceTimersByTimeAsync(9000)
    expect(vi.getTimerCount()).toBe(1)
  })
  it('does not bark while it is we who do not read', async () => {
    const { server, connection, errors } = start({ idleTimeout: 1000, highWaterMark: 1 })
    const iterator = connection[Symbol.asyncIterator]()
    const first = iterator.next()
    const request = await server.next()
    for (const data of ['1', '2', '3']) request.send({ data })
    await first
    await vi.advanceTimersByTimeAsync(10_000)
    expect(errors).toEqual([])
    await iterator.return?.()
  })
})

describe('a 401', () => {
  it('is met with onUnauthorized once per healthy period, and then at once by another attempt', async () => {
    let token = 'old'
    const onUnauthorized = vi.fn(async (error: ConnectError) => {
      expect(error).toMatchObject({ code: 'status', status: 401, attempt: 1 })
      token = 'new'
    })
    const { server, events, errors } = start(
      { headers: () => ({ authorization: token }), onUnauthorized },
      (request) => (request.headers.get('authorization') === 'new' ? request.send({ data: 'a' }) : request.status(401)),
    )
    await settle()
    expect(events).toEqual(['a'])
    expect(errors).toMatchObject([{ code: 'status', status: 401, attempt: 1, delay: 0 }])
    expect(server.requests).toHaveLength(2)
  })
  it('again before anything was well is final: there is no loop', async () => {
    const onUnauthorized = vi.fn()
    const { server, connection, errors } = start({ onUnauthorized }, (request) => request.status(401))
    expect(await connection.closed).toBe('failed')
    expect(onUnauthorized).toHaveBeenCalledTimes(1)
    expect(server.requests).toHaveLength(2)
    expect(errors).toMatchObject([
      { code: 'status', status: 401, attempt: 1, delay: 0 },
      { code: 'status', status: 401, attempt: 2, delay: undefined },
    ])
  })
  it('is met again after a healthy period', async () => {
    const onUnauthorized = vi.fn()
    let count = 0
    const { server } = start({ onUnauthorized }, (request) =>
      count++ % 2 ? request.send({ data: 'a' }) : request.status(401),
    )
    for (let times = 1; times <= 3; times++) {
      await settle()
      expect(onUnauthorized).toHaveBeenCalledTimes(times)
      await vi.advanceTimersByTimeAsync(5000)
      server.requests.at(-1)?.drop()
      await vi.advanceTimersByTimeAsync(1000)
    }
  })
  test.each([
    ['answers false', () => false],
    ['throws', () => Promise.reject(new Error('no'))],
  ])('is final where onUnauthorized %s', async (_, onUnauthorized) => {
    const { connection, server } = start({ onUnauthorized }, (request) => request.status(403))
    expect(await connection.closed).toBe('failed')
    expect(server.requests).toHaveLength(1)
  })
  test.each<[string, (connection: Connection) => void]>([
    [
      'paused',
      (connection) => {
        connection.pause()
        connection.unpause()
      },
    ],
    ['reconnected', (connection) => connection.reconnect()],
  ])('is met once, though it is %s while the token is on its way: the next attempt waits for it', async (_, act) => {
    let token = 'old'
    let give = () => {}
    const onUnauthorized = vi.fn(async () => {
      await new Promise<void>((resolve) => (give = resolve))
      token = 'new'
    })
    const { server, connection, errors } = start(
      { headers: () => ({ authorization: token }), onUnauthorized, connectTimeout: 1000 },
      (request) => (request.headers.get('authorization') === 'new' ? request.open() : request.status(401)),
    )
    await settle()
    act(connection)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(server.requests).toHaveLength(1)
    give()
    await settle()
    expect([connection.state, onUnauthorized.mock.calls.length, server.requests.length]).toEqual(['open', 1, 2])
    expect(errors).toMatchObject([{ status: 401, attempt: 1, delay: 0 }])
  })
  it('does not hold up a close while the token is on its way', async () => {
    const { connection, server } = start({ onUnauthorized: () => new Promise(() => {}) }, (request) =>
      request.status(401),
    )
    await settle()
    connection.close()
    expect(await connection.closed).toBe('closed')
    expect(server.requests).toHaveLength(1)
  })
})

describe('a retry function', () => {
  it('is told everything and decides', async () => {
    const failures: unknown[] = []
    const { server, connection } = start(
      {
        retry(failure) {
          failures.push({ ...failure, error: failure.error.code, headers: failure.headers?.get('x-why') })
          return failures.length < 3 && 50
        },
      },
      (request) => request.status(418, { 'x-why': 'teapot' }),
    )
    await vi.advanceTimersByTimeAsync(200)
    expect(await connection.closed).toBe('failed')
    expect(server.requests).toHaveLength(3)
    expect(failures).toEqual([
      { error: 'status', status: 418, headers: 'teapot', attempt: 1, elapsed: 0, delay: 1000 },
      { error: 'status', status: 418, headers: 'teapot', attempt: 2, elapsed: 50, delay: 1000 },
      { error: 'status', status: 418, headers: 'teapot', attempt: 3, elapsed: 100, delay: 1000 },
    ])
  })
  it('that answers true leaves the wait to the policy', async () => {
    const { server } = start({ retry: () => true }, (request) => request.status(404))
    await vi.advanceTimersByTimeAsync(999)
    expect(server.requests).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(server.requests).toHaveLength(2)
  })
  test.each([undefined, Number.NaN, -1, 'soon', null])(
    'that answers %s is a mistake that is told once, and no hot loop',
    async (answer) => {
      const { server, errors, connection } = start({ retry: () => answer as never }, (request) => request.status(503))
      await vi.advanceTimersByTimeAsync(2500)
      expect(server.requests).toHaveLength(3)
      expect(errors.map(({ code }) => code)).toEqual(['invalid-option', 'status', 'status', 'status'])
      expect(connection.state).toBe('waiting')
    },
  )
  it('that answers nothing of a POST does not send it twice', async () => {
    const { server, connection } = start({ method: 'POST', body: '{}', retry: () => undefined as never }, (request) =>
      request.status(503),
    )
    expect(await connection.closed).toBe('failed')
    expect(server.requests).toHaveLength(1)
  })
  it('has a limit beside it, and numbers', async () => {
    const { server, connection } = start({ retry: { when: () => true, limit: 2, base: 100 } }, (request) =>
      request.status(404),
    )
    await vi.advanceTimersByTimeAsync(200)
    expect(await connection.closed).toBe('failed')
    expect(server.requests).toHaveLength(3)
  })
  it('that throws is reported, and the failure is final', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const boom = new Error('boom')
    const { connection } = start(
      {
        retry() {
          throw boom
        },
      },
      (request) => request.status(503),
    )
    expect(await connection.closed).toBe('failed')
    expect(report).toHaveBeenCalledWith(boom)
  })
})

describe('an error', () => {
  it('tells status, headers, the beginning of the body, the attempt and the wait', async () => {
    const { errors, connection } = start({}, (request) =>
      request.status(503, { 'retry-after': '2', 'x-id': '7' }, '{"message":"overloaded"}'),
    )
    await vi.advanceTimersByTimeAsync(10)
    const [error] = errors
    expect(error).toMatchObject({
      name: 'ConnectError',
      code: 'status',
      status: 503,
      body: '{"message":"overloaded"}',
      attempt: 1,
      delay: 2000,
      retryable: true,
    })
    expect(error?.headers?.get('x-id')).toBe('7')
    expect(connection.snapshot).toMatchObject({ state: 'waiting', delay: 2000, error })
  })
  it('tells a bounded piece of the body', async () => {
    const { errors } = start({}, (request) => request.status(404, {}, 'x'.repeat(100_000)))
    await settle()
    expect(errors[0]?.body).toHaveLength(2048)
  })
  it('does not wait for a body that does not come', async () => {
    const { errors, server } = start({}, (request) => request.open({ status: 500 }))
    await vi.advanceTimersByTimeAsync(1000)
    expect(errors).toMatchObject([{ status: 500, body: undefined }])
    expect(await server.requests[0]?.closed).not.toBe('ended')
  })
  it('keeps the cause', async () => {
    const cause = new TypeError('fetch failed')
    const { errors } = start({}, (request) => request.drop(cause))
    await settle()
    expect(errors).toMatchObject([{ code: 'network', cause }])
  })
  it('of a fetch that aborts by itself is a network error like any other, and not the end', async () => {
    const { errors, server } = start({}, (request) => request.drop(new DOMException('timeout', 'AbortError')))
    await vi.advanceTimersByTimeAsync(1000)
    expect(errors[0]).toMatchObject({ code: 'network', delay: 1000 })
    expect(server.requests.length).toBeGreaterThan(1)
  })
  test.each([undefined, null, 'text', 7])('may be %j by nature', async (thrown) => {
    const { errors } = start({ fetch: () => Promise.reject(thrown) })
    await settle()
    expect(errors).toMatchObject([{ code: 'network' }])
  })
  it('of a mock whose body breaks with undefined is a network error', async () => {
    const { errors } = start({}, (request) => {
      request.send({ data: 'a' })
      request.drop(undefined)
    })
    await settle()
    expect(errors).toMatchObject([{ code: 'network' }])
  })
  it('is gone from the snapshot once the stream is open again', async () => {
    let count = 0
    const { connection } = start({}, (request) => (count++ ? request.open() : request.status(503)))
    await vi.advanceTimersByTimeAsync(10)
    expect(connection.snapshot.error).toMatchObject({ status: 503 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(connection.snapshot).toMatchObject({ state: 'open', error: undefined })
  })
  it('of a fetch without bodies says which one to pass', async () => {
    const fetch = async () => {
      const response = new Response('', { headers: { 'content-type': 'text/event-stream' } })
      return Object.defineProperty(response, 'body', { value: undefined })
    }
    const { connection, errors } = start({ fetch })
    expect(await connection.closed).toBe('failed')
    expect(errors).toMatchObject([{ code: 'no-body', message: expect.stringContaining('expo/fetch') }])
  })
})

describe('an id', () => {
  it('that is too long to be sent is not, and onError tells', async () => {
    const { server, errors } = start()
    const first = await server.next()
    first.send({ id: 'x'.repeat(5000), data: 'a' })
    first.drop()
    await vi.advanceTimersByTimeAsync(1000)
    const second = await server.next()
    expect(second.headers.has('last-event-id')).toBe(false)
    expect(second.url).toBe(URL)
    expect(errors.map(({ code }) => code)).toEqual(['network', 'unsendable-id'])
  })
  it('is loaded once before the first attempt, and saved after the listeners ran', async () => {
    const saved: [string, string[]][] = []
    const load = vi.fn(async () => '41')
    const { server, events } = start({ resume: { load, save: (id) => saved.push([id, [...events]]) } })
    const first = await server.next()
    expect(first.headers.get('last-event-id')).toBe('41')
    first.write('id: 42\ndata: a\n\nid: 43\ndata: b\n\n')
    await settle()
    expect(saved).toEqual([['43', ['a', 'b']]])
    first.send({ data: 'c' })
    first.drop()
    await vi.advanceTimersByTimeAsync(1000)
    expect((await server.next()).headers.get('last-event-id')).toBe('43')
    expect(load).toHaveBeenCalledTimes(1)
    expect(saved).toHaveLength(1)
  })
  it('is saved also where a listener closes the connection', async () => {
    const save = vi.fn()
    const { server, connection } = start({ resume: { save } })
    connection.on(() => connection.close())
    const request = await server.next()
    request.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\n')
    await settle()
    expect(save.mock.calls).toEqual([['1']])
  })
  it('that cannot be loaded fails the attempt, rather than begin anew in silence', async () => {
    let calls = 0
    const load = () => (calls++ ? '7' : Promise.reject(new Error('locked')))
    const { server, errors } = start({ resume: { load } })
    await settle()
    expect(errors).toMatchObject([{ code: 'request', delay: 1000 }])
    await vi.advanceTimersByTimeAsync(1000)
    expect((await server.next()).headers.get('last-event-id')).toBe('7')
  })
  it('is loaded once, however often the attempt that waits for it is cut short, and without a limit', async () => {
    let give = (_: string) => {}
    const load = vi.fn(() => new Promise<string>((resolve) => (give = resolve)))
    const { server, connection, errors } = start({ resume: { load }, connectTimeout: 1000 })
    await vi.advanceTimersByTimeAsync(60_000)
    connection.reconnect()
    await settle()
    connection.pause()
    connection.unpause()
    await settle()
    give('41')
    expect((await server.next()).headers.get('last-event-id')).toBe('41')
    expect([load.mock.calls.length, errors]).toEqual([1, []])
  })
  it('may be found in the data, and then goes where the caller takes it', async () => {
    const server = createMockServer()
    const connection = connect<{ [type: string]: { sequence_number: number } }>(
      ({ lastEventId }) => (lastEventId ? `${URL}/resp_1?stream=true` : URL),
      {
        fetch: server.fetch,
        parse: 'json',
        cursor: ({ data }) => `${JSON.parse(data).sequence_number}`,
        lastEventIdParam: 'starting_after',
      },
    )
    open.push(() => connection.close())
    const first = await server.next()
    first.send({ id: 'ignored', data: { sequence_number: 4 } })
    first.drop()
    await vi.advanceTimersByTimeAsync(1000)
    const second = await server.next()
    expect(second.url).toBe(`${URL}/resp_1?stream=true&starting_after=4`)
    expect(second.headers.has('last-event-id')).toBe(false)
    expect(connection.lastEventId).toBe('4')
  })
})

describe('a gap', () => {
  const header = (value: string) => ({ 'last-event-id': value })

  it('is told where the response names another id than the one asked for', async () => {
    const onGap = vi.fn()
    const { server } = start({ lastEventId: '5', onGap })
    const request = await server.next()
    request.open({ headers: header('\u00c3\u00a9') })
    await settle()
    expect(onGap.mock.calls).toEqual([[{ asked: '5', resumed: 'é', data: undefined }]])
  })
  test.each([
    ['the same id', '5', header('5')],
    ['no id', '5', undefined],
    ['an id nobody asked for', undefined, header('5')],
  ])('is not told where the response names %s', async (_, lastEventId, headers) => {
    const onGap = vi.fn()
    const { server } = start({ lastEventId, onGap })
    const request = await server.next()
    request.open({ headers })
    await settle()
    expect(onGap).not.toHaveBeenCalled()
  })
  it('is not followed by its event where the connection was closed for it', async () => {
    const { server, events, connection } = start({ lastEventId: 'a.5', onGap: () => connection.close() })
    const request = await server.next()
    request.open({ headers: { unmissed: 'ids=unique' } })
    request.write('event: gap\nid: b.9\ndata: {}\n\ndata: a\n\n')
    await settle()
    expect([events, connection.state]).toEqual([[], 'closed'])
  })
  it('is told once by our own server, in its event, which is delivered too', async () => {
    const onGap = vi.fn()
    const { server, events } = start({ lastEventId: 'a.5', onGap })
    const request = await server.next()
    request.open({ headers: { ...header('b.9'), unmissed: 'heartbeat=15000, ids=unique' } })
    const data = '{"asked":"a.5","oldest":"b.3","newest":"b.9"}'
    request.send({ type: 'gap', id: 'b.9', data })
    await settle()
    expect(onGap.mock.calls).toEqual([[{ asked: 'a.5', resumed: 'b.9', data }]])
    expect(events).toEqual([data])
  })
  it('is no gap where another server calls an event so', async () => {
    const onGap = vi.fn()
    const { server, events } = start({ onGap })
    const request = await server.next()
    request.send({ type: 'gap', data: 'mind it' })
    await settle()
    expect(onGap).not.toHaveBeenCalled()
    expect(events).toEqual(['mind it'])
  })
})

describe('data', () => {
  it('that cannot be read goes to onError with the event, and the stream lives on', async () => {
    const server = createMockServer()
    const errors: ConnectError[] = []
    const connection = connect<{ tick: number }>(URL, {
      fetch: server.fetch,
      parse: 'json',
      onError: (error) => void errors.push(error),
    })
    open.push(() => connection.close())
    const ticks: number[] = []
    connection.on('tick', ({ data }) => ticks.push(data))
    const request = await server.next()
    request.write('event: tick\ndata: 1\n\nevent: tick\ndata: {\n\nevent: tick\ndata: 3\n\n')
    await settle()
    expect(ticks).toEqual([1, 3])
    expect(errors).toMatchObject([{ code: 'invalid-data', delay: undefined, event: { type: 'tick', data: '{' } }])
    expect(connection.state).toBe('open')
  })
  test.each<[string, Options]>([
    ['cursor', { cursor: ({ data }) => JSON.parse(data).id }],
    ['until', { until: ({ data }) => JSON.parse(data).id === '9' }],
  ])('that %s cannot read goes there, too, and is delivered', async (_, options) => {
    const { server, errors, events, connection } = start({ ...options, retry: false })
    const request = await server.next()
    request.write('data: {\n\ndata: {"id":"9"}\n\n')
    await settle()
    expect(events).toEqual(['{', '{"id":"9"}'])
    expect(errors).toMatchObject([{ code: 'invalid-data', event: { data: '{' } }])
    expect(connection.lastEventId + connection.state).toBe(_ === 'cursor' ? '9open' : 'closed')
  })
  it('that `cursor` cannot read may still be the end', async () => {
    const { server, connection, events } = start({
      cursor: ({ data }) => JSON.parse(data).id,
      until: ({ data }) => data === 'bye',
    })
    const request = await server.next()
    request.send({ data: 'bye' })
    expect(await connection.closed).toBe('ended')
    expect(events).toEqual(['bye'])
  })
  it('whose schema takes its time is refused, and what comes of it later is nobody’s concern', async () => {
    const server = createMockServer()
    const errors: ConnectError[] = []
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
    } as const
    const connection = connect(URL, {
      fetch: server.fetch,
      schemas: { tick: schema },
      onError: (error) => errors.push(error),
    })
    open.push(() => connection.close())
    connection.on(() => {})
    const request = await server.next()
    request.send({ type: 'tick', data: '1' })
    await settle()
    expect(errors).toMatchObject([{ code: 'invalid-data', message: expect.stringContaining('asynchronous schema') }])
  })
  it('that nobody listens to is not read', async () => {
    const parse = vi.fn()
    const server = createMockServer()
    const connection = connect(URL, { fetch: server.fetch, parse })
    open.push(() => connection.close())
    connection.on('tick', () => {})
    const request = await server.next()
    request.send({ data: 'ping' })
    await settle()
    expect(parse).not.toHaveBeenCalled()
  })
  it('is given to until as text, which ends after the event that it answers true to', async () => {
    const seen: ServerSentEvent[] = []
    const { server, connection, events } = start({
      method: 'POST',
      until(event) {
        seen.push(event)
        return event.type === 'message_stop'
      },
    })
    const request = await server.next()
    request.write('data: a\n\nevent: message_stop\ndata: {}\n\ndata: b\n\n')
    expect(await connection.closed).toBe('ended')
    expect(events).toEqual(['a', '{}'])
    expect(seen).toEqual([
      { type: 'message', data: 'a', id: '' },
      { type: 'message_stop', data: '{}', id: '' },
    ])
  })
})

describe('a listener that throws', () => {
  it('is reported and disturbs neither the stream nor anybody else', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const { server, connection, events } = start()
    const boom = new Error('boom')
    connection.on('message', () => {
      throw boom
    })
    connection.on('message', async () => {
      throw boom
    })
    const request = await server.next()
    request.send({ data: 'a' })
    request.send({ data: 'b' })
    await settle()
    expect(report.mock.calls).toEqual([[boom], [boom], [boom], [boom]])
    expect(events).toEqual(['a', 'b'])
    expect(server.requests).toHaveLength(1)
  })
  it('is reported also where it is a callback of the connection’s own life', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const boom = new Error('boom')
    const fail = () => {
      throw boom
    }
    let count = 0
    const { events, connection } = start(
      {
        onOpen: fail,
        onState: fail,
        onError: fail,
        onComment: fail,
        onGap: fail,
        lastEventId: '1',
        resume: { save: fail },
      },
      (request) => {
        if (count++ === 0) return request.status(503)
        request.open({ headers: { 'last-event-id': '2' } })
        request.comment('hi')
        request.send({ id: '3', data: 'a' })
      },
    )
    connection.subscribe(fail)
    await vi.advanceTimersByTimeAsync(1000)
    expect(events).toEqual(['a'])
    expect(connection.state).toBe('open')
    expect(report.mock.calls.length).toBeGreaterThanOrEqual(8)
  })
})

describe('iteration', () => {
  it('gives every event, and leaving the loop closes the connection', async () => {
    const { server, connection } = start({}, (request) => {
      for (const data of ['a', 'b', 'c']) request.send({ data })
    })
    const got: string[] = []
    for await (const { data } of connection) {
      got.push(data)
      if (data === 'b') break
    }
    expect(got).toEqual(['a', 'b'])
    expect(await connection.closed).toBe('closed')
    await settle()
    expect(server.live).toBe(0)
  })
  it('of some types leaves the connection open', async () => {
    const { connection } = start({}, (request) => {
      for (const type of ['a', 'b', 'a', 'c']) request.send({ type, data: type })
    })
    const got: string[] = []
    for await (const { type } of connection.iterate('a', 'c', 'a')) {
      got.push(type)
      if (type === 'c') break
    }
    expect(got).toEqual(['a', 'a', 'c'])
    expect(connection.state).toBe('open')
  })
  it('goes on over reconnections', async () => {
    let count = 0
    const { connection } = start({}, (request) => {
      request.send({ data: `${++count}` })
      request.drop()
    })
    const got: string[] = []
    for await (const { data } of connection) {
      if (got.push(data) === 3) break
      await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(got).toEqual(['1', '2', '3'])
  })
  it('ends where the stream does, after what is queued', async () => {
    const { connection } = start({ until: '[DONE]' }, (request) =>
      request.write('data: a\n\ndata: b\n\ndata: [DONE]\n\n'),
    )
    const got: string[] = []
    for await (const { data } of connection) {
      await settle()
      got.push(data)
    }
    expect(got).toEqual(['a', 'b'])
    expect(await connection.closed).toBe('ended')
  })
  it('throws where the connection fails, after what is queued', async () => {
    const { connection } = start({ retry: false }, (request) => {
      request.send({ data: 'a' })
      request.drop()
    })
    const got: string[] = []
    await expect(async () => {
      for await (const { data } of connection) got.push(data)
    }).rejects.toMatchObject({ code: 'network' })
    expect(got).toEqual(['a'])
  })
  it('ends without an error where its signal aborts, and gives nothing more', async () => {
    const abort = new AbortController()
    const { connection } = start({ signal: abort.signal }, (request) => request.write('data: a\n\ndata: b\n\n'))
    const got: string[] = []
    for await (const { data } of connection) {
      got.push(data)
      abort.abort()
    }
    expect(got).toEqual(['a'])
  })
  it('of a closed connection is over at once', async () => {
    const { connection } = start()
    connection.close()
    for await (const _ of connection) throw new Error('nothing can come')
  })
  it('settles every question that waits when the connection is closed', async () => {
    const { connection } = start()
    const iterator = connection[Symbol.asyncIterator]()
    const questions = [iterator.next(), iterator.next()]
    await settle()
    connection.close()
    expect(await Promise.all(questions)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })
  it('may be left from outside while it waits', async () => {
    const { connection } = start()
    const iterator = connection.iterate('tick')
    const question = iterator.next()
    await settle()
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
    expect(await question).toEqual({ done: true, value: undefined })
    expect(connection.state).not.toBe('closed')
  })
  it('may be left while the connection waits, whose last error is not the loop’s', async () => {
    const { connection } = start({}, (request) => request.status(503))
    const iterator = connection.iterate()
    const question = iterator.next()
    await vi.advanceTimersByTimeAsync(10)
    expect(connection.snapshot).toMatchObject({ state: 'waiting', error: { code: 'status' } })
    await iterator.return?.()
    expect(await question).toEqual({ done: true, value: undefined })
  })
  it('stops the reading at highWaterMark, so that the server feels it', async () => {
    const { server, connection } = start({ highWaterMark: 3 })
    const iterator = connection.iterate()
    const first = iterator.next()
    const request = await server.next()
    for (let i = 0; i < 20; i++) request.send({ data: `${i}` })
    await settle()
    const unread = request.unread
    expect(unread).toBeGreaterThan(14)
    await vi.advanceTimersByTimeAsync(59_000)
    expect(request.unread).toBe(unread)
    const got = [(await first).value?.data]
    while (got.length < 20) got.push((await iterator.next()).value?.data)
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`))
    expect(request.unread).toBe(0)
  })
  it('that is full does not keep us from closing, pausing or reconnecting', async () => {
    const { server, connection, states } = start({ highWaterMark: 1 }, (request) => {
      for (let i = 0; i < 5; i++) request.send({ data: `${i}` })
    })
    const iterator = connection.iterate()
    await iterator.next()
    await settle()
    connection.reconnect()
    await settle()
    expect(server.requests).toHaveLength(2)
    connection.pause()
    await settle()
    expect(server.live).toBe(0)
    connection.close()
    expect(states.at(-1)).toBe('closed')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
})

function createRandom(seed: number) {
  // mulberry32
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
