import { connect } from 'node:net'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  adminHandler,
  bearer,
  type CloseReason,
  createHub,
  type Grant,
  type HubOptions,
  type Subscriber,
  type Verdict,
} from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

// As tests in a realm of their own and drivers of databases have them.
const Foreign = runInNewContext('Promise') as PromiseConstructor

function hubOf(verdict: () => unknown, options: HubOptions = {}) {
  const onError = vi.fn()
  const reasons: CloseReason[] = []
  const hub = createHub({
    authorize: () => verdict() as Verdict,
    onError,
    onDisconnect: (_, reason) => reasons.push(reason),
    // Nobody reads these.
    stallTimeout: 0,
    ...options,
  })
  after(() => hub.close({ within: 0 }))
  return { hub, onError, reasons, ask: (subscription = {}) => hub.fetch(new Request('http://a/'), subscription) }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a grant', () => {
  test.each<[string, unknown]>([
    ['topics that are null', { topics: null }],
    ['topics that are not known', { topics: undefined }],
    ['a topic in place of a list', { topics: 'news' }],
    ['a set of topics', { topics: new Set(['a']) }],
    ['a user that is not known', { user: undefined }],
    ['a user without a name', { user: '' }],
    ['a user who is a number', { user: 7 }],
    ['a filter that is not there', { filter: undefined }],
    ['a filter that is none', { filter: {} }],
    ['patterns that are null', { patterns: null }],
    ['a pattern that is none', { patterns: ['a*'] }],
    ['an end that is text', { expires: '2999-01-01' }],
    ['an end that is not known', { expires: undefined }],
    ['a key that does not exist', { topic: 'news' }],
    ['a list of topics', ['news']],
    ['text', 'anna'],
    ['a number', 1],
    ['a function', () => true],
    ['a refusal without a status', { status: undefined }],
    ['a refusal whose status is text', { status: '403' }],
    ['a refusal whose status is no answer', { status: 101 }],
  ])('of %s lets nobody in: 500, and told', async (_, verdict) => {
    const { hub, ask, onError } = hubOf(() => verdict)
    expect([(await ask({ topics: ['secret'] })).status, hub.size]).toEqual([500, 0])
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'invalid-option' }))
  })

  test('of no topics allows none, and is not one that does not say', async () => {
    const { hub, ask } = hubOf(() => ({ topics: [] }))
    expect((await ask({ topics: ['a'] })).status).toBe(403)
    expect((await ask()).status).toBe(200)
    expect([...hub.subscribers()][0]?.topics).toEqual([])
  })

  test.each<[unknown, number]>([
    [Number.POSITIVE_INFINITY, 200],
    [8.64e15, 200],
    [Number.MAX_SAFE_INTEGER, 200],
    [new Date(8.64e15), 200],
    [Number.NEGATIVE_INFINITY, 401],
    [Number.NaN, 401],
    [new Date(Number.NaN), 401],
    [-1, 401],
    [0, 401],
  ])('that ends at %s is answered %s, here and by the administration', async (expires, status) => {
    const { hub, ask } = hubOf(() => ({ expires }))
    expect((await ask()).status).toBe(status)
    const admin = adminHandler(hub, { authorize: () => ({ expires: expires as number }) })
    expect((await admin.fetch(new Request('http://a/stats'))).status).toBe(status)
  })

  test('that has ended gets into the administration no more than into the hub', async () => {
    const authorize = bearer(() => ({ user: 'anna', expires: Date.now() - 1 }))
    const hub = createHub({ authorize })
    after(() => hub.close())
    const request = () => new Request('http://a/stats', { headers: { authorization: 'Bearer t' } })
    const answers = [await hub.fetch(request()), await adminHandler(hub, { authorize }).fetch(request())]
    expect(answers.map(({ status, headers }) => [status, headers.get('www-authenticate')])).toEqual([
      [401, 'Bearer'],
      [401, 'Bearer'],
    ])
  })

  test.each<[string, Verdict]>([
    ['204', { status: 204, message: 'this has no body' }],
    ['304', { status: 304, message: 'nor has this' }],
    ['499', { status: 499, message: 'gone', headers: { 'X-Why': 'told' } }],
  ])('that is a refusal with %s is answered so over Node and over the web', async (status, verdict) => {
    const { hub, url } = await serveHub({ authorize: () => verdict })
    const answers = [await fetch(url), await hub.fetch(new Request('http://a/'))]
    expect(answers.map((answer) => answer.status)).toEqual([Number(status), Number(status)])
  })

  test('whose refusal would inject a header is answered 503, and told', async () => {
    const onError = vi.fn()
    const headers = { 'X-Why': 'a\r\nSet-Cookie: b=c' }
    const { hub, url } = await serveHub({ onError, authorize: () => ({ status: 403, headers }) })
    const answers = [await fetch(url), await hub.fetch(new Request('http://a/'))]
    expect(answers.map((answer) => [answer.status, answer.headers.get('set-cookie')])).toEqual([
      [503, null],
      [503, null],
    ])
    expect(onError).toHaveBeenCalledTimes(2)
  })
})

describe('the time that authorize takes', () => {
  test('is bounded: then the answer is 503 with a time to return, the place is free, and onError is told', async () => {
    const onError = vi.fn()
    let patient = false
    const { hub, url } = await serveHub({
      onError,
      authorizeTimeout: 30,
      limits: { connections: 1 },
      authorize: () => patient || new Promise(() => {}),
    })
    const answer = await fetch(url)
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([503, true])
    expect(onError).toHaveBeenCalledWith(
      expect.objectContaining({ code: 'timeout', message: expect.stringContaining('authorize') }),
    )
    patient = true
    const next = await fetch(url)
    expect([next.status, hub.size]).toEqual([200, 1])
    await next.body?.cancel()
  })

  test('is bounded for the administration, too', async () => {
    const onError = vi.fn()
    const admin = adminHandler(createHub(), { onError, authorizeTimeout: 20, authorize: () => new Promise(() => {}) })
    expect((await admin.fetch(new Request('http://a/stats'))).status).toBe(500)
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'timeout' }))
  })

  test('is bounded where what it answers is a promise of another realm, or of a library', async () => {
    const later = (value: unknown) => new Foreign((resolve) => setTimeout(resolve, 5, value))
    const { hub, ask } = hubOf(() => later({ user: 'anna' }))
    expect([(await ask()).status, [...hub.users()]]).toEqual([200, ['anna']])
    const { ask: askInVain } = hubOf(() => new Foreign(() => {}), { authorizeTimeout: 20 })
    expect((await askInVain()).status).toBe(503)
  })

  test('does not let in a reader whom it grants too late', async () => {
    let grant = (_: boolean): void => {}
    const { hub, ask } = hubOf(() => new Promise((resolve) => (grant = resolve)), { authorizeTimeout: 20 })
    expect((await ask()).status).toBe(503)
    grant(true)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(hub.size).toBe(0)
  })
})

describe('the end of a grant', () => {
  test('is by the wall clock: a machine that slept wakes up to no reader whose time has passed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
    const { hub, ask, reasons } = hubOf(() => ({ expires: Date.now() + 3_600_000 }))
    await ask()
    // The clock of `performance.now()` stands still while a machine sleeps; the wall clock does not.
    vi.setSystemTime(Date.now() + 3_600_001)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([hub.size, reasons]).toEqual([0, ['expired']])
  })

  test('comes no earlier where the wall clock is set back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
    const { hub, ask, reasons } = hubOf(() => ({ expires: Date.now() + 60_000 }))
    await ask()
    vi.setSystemTime(Date.now() - 60_000)
    await vi.advanceTimersByTimeAsync(90_000)
    expect(hub.size).toBe(1)
    await vi.advanceTimersByTimeAsync(40_000)
    expect([hub.size, reasons]).toEqual([0, ['expired']])
  })

  test('that is further away than a timer can hold does not come at once', async () => {
    const { hub, ask } = hubOf(() => ({ expires: Date.now() + 2 ** 40 }))
    await ask()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(hub.size).toBe(1)
  })

  test('comes to each of many readers in its own time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
    let minutes = 0
    const { hub, ask } = hubOf(() => ({ expires: Date.now() + ++minutes * 60_000 }))
    for (let n = 0; n < 10; n++) await ask()
    for (let left = 10; left > 0; left--) {
      expect(hub.size).toBe(left)
      await vi.advanceTimersByTimeAsync(60_001)
    }
    expect(hub.size).toBe(0)
  })

  test('lets go of what was queued: none of it is delivered', async () => {
    const reasons: CloseReason[] = []
    const { hub, url } = await serveHub({
      heartbeat: 0,
      maxQueued: 2 ** 26,
      authorize: () => ({ expires: Date.now() + 300 }),
      onDisconnect: (_, reason) => reasons.push(reason),
    })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    after(() => socket.destroy())
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.pause()
    await until(() => hub.size === 1)
    for (let n = 0; n < 100; n++) await hub.publish({ data: `${n} ${'x'.repeat(200_000)}` })
    const [subscriber] = hub.subscribers() as unknown as [Subscriber]
    expect(subscriber.queued).toBeGreaterThan(1_000_000)
    await until(() => hub.size === 0)
    expect([reasons, subscriber.queued]).toEqual([['expired'], 0])
    let taken = 0
    const ended = new Promise((resolve) => socket.on('close', resolve))
    socket.on('data', ({ length }) => {
      taken += length
    })
    socket.resume()
    await ended
    // What the kernel had taken before is no longer ours to hold.
    expect(taken).toBeLessThan(15_000_000)
  })

  test('comes although the reader is being closed, and takes its time', async () => {
    const { hub, url } = await serveHub({
      heartbeat: 0,
      stallTimeout: 0,
      maxQueued: 2 ** 26,
      authorize: () => ({ expires: Date.now() + 300 }),
    })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    after(() => socket.destroy())
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.pause()
    await until(() => hub.size === 1)
    for (let n = 0; n < 100; n++) await hub.publish({ data: 'x'.repeat(200_000) })
    expect(hub.disconnect('everyone')).toBe(1)
    expect(hub.size).toBe(1)
    await until(() => hub.size === 0, 2000)
  })
})

describe('the two ways to end a connection', () => {
  async function stalled(options: HubOptions = {}) {
    const served = await serveHub({ heartbeat: 0, maxQueued: 2 ** 26, ...options })
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
    after(() => socket.destroy())
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    socket.pause()
    await until(() => served.hub.size === 1)
    const { hub } = served
    for (let n = 0; n < 100; n++) await hub.publish({ data: `${n} ${'x'.repeat(200_000)}` })
    const read = async (): Promise<string> => {
      let text = ''
      await new Promise<void>((resolve) => {
        socket.on('close', resolve)
        socket.setEncoding('latin1').on('data', (data: string) => {
          text += data
          if (data.endsWith('0\r\n\r\n')) resolve()
        })
        socket.resume()
      })
      return text
    }
    return { hub, subscriber: [...hub.subscribers()][0] as Subscriber, read }
  }

  test('close sends what waits first', async () => {
    const { hub, subscriber, read } = await stalled()
    subscriber.close()
    expect([subscriber.open, hub.size]).toEqual([false, 1])
    expect((await read()).match(/(?<=data: )\d+/g)).toHaveLength(100)
    expect(await subscriber.closed).toBe('closed')
  })

  test.each<[string, (served: Awaited<ReturnType<typeof stalled>>) => unknown]>([
    ['close with now', ({ subscriber }) => subscriber.close({ now: true })],
    ['disconnect with now', ({ hub }) => hub.disconnect('everyone', { now: true })],
    [
      'close, and then close with now',
      ({ subscriber }) => {
        subscriber.close()
        subscriber.close({ now: true })
      },
    ],
    ['a renewal that has ended', ({ subscriber }) => subscriber.renew({ expires: 0 })],
  ])('%s lets it go, at once', async (_, end) => {
    const served = await stalled()
    end(served)
    expect([served.hub.size, served.subscriber.queued]).toEqual([0, 0])
    expect(await served.read()).not.toContain('data: 99 ')
  })

  test('what is published or sent after either reaches it no more', async () => {
    const { hub, subscriber, read } = await stalled()
    subscriber.close()
    void subscriber.send('afterwards')
    await hub.publish({ data: 'afterwards' })
    expect(await read()).not.toContain('afterwards')
  })
})

describe('renew', () => {
  async function one(grant: Grant, subscription = {}, options: HubOptions = {}) {
    const served = hubOf(() => grant, options)
    const response = await served.ask(subscription)
    const [subscriber] = served.hub.subscribers() as unknown as [Subscriber]
    const text = async () => {
      await served.hub.close()
      return (await response.text()).match(/(?<=data: ).*/g)
    }
    return { ...served, subscriber, text }
  }

  test('puts off the end without a new connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
    const { hub, subscriber, reasons } = await one({ expires: Date.now() + 60_000 })
    await vi.advanceTimersByTimeAsync(50_000)
    subscriber.renew({ expires: Date.now() + 60_000 })
    await vi.advanceTimersByTimeAsync(59_000)
    expect(hub.size).toBe(1)
    await vi.advanceTimersByTimeAsync(1001)
    expect([hub.size, reasons]).toEqual([0, ['expired']])
  })

  test('may bring the end nearer, or take it away', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
    const { hub, subscriber } = await one({ expires: Date.now() + 60_000 })
    subscriber.renew({})
    await vi.advanceTimersByTimeAsync(1_000_000)
    expect(hub.size).toBe(1)
    subscriber.renew({ expires: Date.now() + 1000 })
    await vi.advanceTimersByTimeAsync(1001)
    expect(hub.size).toBe(0)
  })

  test('with a grant that has ended ends the connection', async () => {
    const { hub, subscriber, reasons } = await one({})
    subscriber.renew({ expires: Date.now() - 1 })
    expect([hub.size, reasons]).toEqual([0, ['expired']])
  })

  test('leaves topics and patterns that are granted no more, live and among those who are found', async () => {
    const granted = { topics: ['a', 'b'], patterns: ['c.*', 'd.*'] }
    const { hub, subscriber, text } = await one(granted)
    subscriber.renew({ topics: ['b'], patterns: ['d.*'] })
    expect([subscriber.topics, subscriber.patterns]).toEqual([['b'], ['d.*']])
    for (const topic of ['a', 'b', 'c.1', 'd.1']) await hub.publish({ data: topic }, { topic })
    expect(['a', 'b', 'c.1', 'd.1'].map((topic) => hub.count({ topic }))).toEqual([0, 1, 0, 1])
    expect(() => subscriber.subscribe('a')).toThrow(expect.objectContaining({ code: 'not-granted' }))
    expect(await text()).toEqual(['b', 'd.1'])
  })

  test('of topics alone leaves every pattern', async () => {
    const { hub, subscriber, text } = await one({}, { topics: ['a'], patterns: ['*'] })
    subscriber.renew({ topics: ['a'] })
    await hub.publish({ data: 'secret' }, { topic: 'secret' })
    await hub.publish({ data: 'a' }, { topic: 'a' })
    expect(await text()).toEqual(['a'])
  })

  test('allows what is granted now, which can then be followed', async () => {
    const { subscriber } = await one({ topics: ['a'] })
    subscriber.renew({ topics: ['a', 'b'] })
    subscriber.subscribe('b')
    expect(subscriber.topics).toEqual(['a', 'b'])
  })

  test('changes the filter of the grant, and keeps that of the route', async () => {
    const filter = ({ data }: { data: unknown }) => data !== 'unwanted'
    const { hub, subscriber, text } = await one({ filter: ({ data }) => data !== '1' }, { filter })
    await hub.publish({ data: '1' })
    subscriber.renew({ filter: ({ data }) => data !== '2' })
    for (const data of ['1', '2', 'unwanted']) await hub.publish({ data })
    subscriber.renew({})
    for (const data of ['2', 'unwanted']) await hub.publish({ data })
    expect(await text()).toEqual(['1', '2'])
  })

  test('is not another user’s, nor one that cannot be meant; what was granted stays then', async () => {
    const { hub, subscriber } = await one({ user: 'anna', topics: ['a'] })
    for (const grant of [{ user: 'ben' }, { topics: 'a' }, { topics: undefined }, { topic: 'a' }, [], 'a']) {
      expect(() => subscriber.renew(grant as Grant)).toThrow(expect.objectContaining({ code: 'invalid-option' }))
    }
    subscriber.renew({ user: 'anna', metadata: 1 })
    expect([hub.size, subscriber.user, subscriber.topics, subscriber.metadata]).toEqual([1, 'anna', ['a'], 1])
  })

  test('of a connection that is over is nothing, and holds on to nobody', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
    const { hub, subscriber, reasons } = await one({ expires: Date.now() + 60_000 }, {}, { heartbeat: 0 })
    subscriber.close({ now: true })
    expect(hub.size).toBe(0)
    subscriber.renew({ expires: Date.now() + 600_000 })
    await vi.advanceTimersByTimeAsync(1_000_000)
    expect([reasons, vi.getTimerCount()]).toEqual([['closed'], 0])
  })
})
