import { describe, expect, test, vi } from 'vitest'
import { createHub, type HubOptions, type Subscriber, type Subscription } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

function hubOf(options: HubOptions = {}) {
  const onError = vi.fn()
  const hub = createHub({ onError, ...options })
  after(() => hub.close({ within: 0 }))
  const ask = (subscription?: unknown) => hub.fetch(new Request('http://a/'), subscription as Subscription)
  return { hub, ask, onError }
}

describe('a subscription', () => {
  test.each<[string, unknown]>([
    ['a topic in place of a list', { topics: 'news' }],
    ['topics that are null', { topics: null }],
    ['topics of which one is empty', { topics: [''] }],
    ['topics of which one is a number', { topics: ['a', 7] }],
    ['a set of topics', { topics: new Set(['a']) }],
    ['a user who is null', { user: null }],
    ['a user without a name', { user: '' }],
    ['a user who is a number', { user: 7 }],
    ['a client that is null', { client: null }],
    ['a filter that is none', { filter: true }],
    ['a filter that is not there', { filter: undefined }],
    ['a pattern without a star', { patterns: ['orders.'] }],
    ['a pattern with a star in the middle', { patterns: ['orders.*.new'] }],
    ['a pattern that ends within a word', { patterns: ['ord*'] }],
    ['a pattern in place of a list', { patterns: 'orders.*' }],
    ['how many that is negative', { last: -1 }],
    ['how many that is not whole', { last: 1.5 }],
    ['how many that is infinite', { last: Number.POSITIVE_INFINITY }],
    ['a moment that is none', { since: new Date('never') }],
    ['a moment that is text', { since: '2024-01-01' }],
    ['a key that does not exist', { topic: 'news' }],
    ['a list', []],
    ['text', 'news'],
  ])('of %s is a mistake of the program: 500, told, and no reader', async (_, subscription) => {
    const { hub, ask, onError } = hubOf()
    const response = await ask(subscription)
    expect([response.status, hub.size]).toEqual([500, 0])
    expect(response.headers.has('retry-after')).toBe(false)
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'invalid-option' }))
    expect(onError).toHaveBeenCalledTimes(1)
  })

  test('may leave out whatever is not known', async () => {
    const { hub, ask, onError } = hubOf()
    const response = await ask({
      topics: undefined,
      user: undefined,
      client: undefined,
      last: undefined,
      since: undefined,
    })
    expect([response.status, hub.size, onError.mock.calls]).toEqual([200, 1, []])
  })

  test('is checked by add, too, which throws, and takes nothing', async () => {
    const { hub } = hubOf()
    expect(() => hub.add({} as never, { topics: 'news' } as never)).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
    expect(hub.size).toBe(0)
  })

  test('is left as it was: changing its list later changes nothing', async () => {
    const { hub, ask } = hubOf()
    const topics = ['a']
    await ask({ topics })
    topics.push('secret')
    expect(hub.count({ topic: 'secret' })).toBe(0)
  })
})

describe('patterns', () => {
  test('follow every topic that begins so, live and replayed, each event once', async () => {
    const { hub, join } = await serveHub(
      {},
      { patterns: ['orders.*', 'orders.eu.*', 'rooms/*'], topics: ['orders.eu.1'] },
    )
    const reader = await join()
    await until(() => hub.size === 1)
    for (const topic of [
      'orders.eu.1',
      'orders.us',
      'orders',
      'ordersx',
      'rooms/1',
      'rooms:1',
      'room',
      'x.orders.eu',
    ]) {
      await hub.publish({ data: topic }, { topic })
    }
    await hub.publish({ data: 'several' }, { topics: ['orders.1', 'rooms/2', 'orders.eu.1'] })
    await hub.publish({ data: 'END' })
    const seen = ['orders.eu.1', 'orders.us', 'rooms/1', 'several', 'END']
    await reader.until(seen.length)
    expect(reader.events.map(({ data }) => data)).toEqual(seen)
    const again = await join({ lastEventId: reader.events[0]?.id })
    await again.until(seen.length - 1)
    expect(again.events.map(({ data }) => data)).toEqual(seen.slice(1))
  })

  test('of a star alone follow every topic', async () => {
    const { hub, join } = await serveHub({}, { patterns: ['*'] })
    const reader = await join()
    await until(() => hub.size === 1)
    await hub.publish({ data: '1' }, { topic: 'whatever' })
    await hub.publish({ data: '2' }, { user: 'somebody' })
    await hub.publish({ data: '3' })
    await reader.until(2)
    expect(reader.events.map(({ data }) => data)).toEqual(['1', '3'])
  })

  test('are no topics: what is published to a pattern does not reach what it stands for', async () => {
    const { hub, join } = await serveHub({}, { topics: ['orders.1'] })
    const reader = await join()
    await until(() => hub.size === 1)
    await hub.publish({ data: 'pattern' }, { topic: 'orders.*' })
    await hub.publish({ data: 'END' })
    await reader.until(1)
    expect(reader.events.map(({ data }) => data)).toEqual(['END'])
  })

  test('are within what was granted, or refused with 403', async () => {
    const { hub, ask } = hubOf({ authorize: () => ({ topics: ['news'], patterns: ['orders.eu.*'] }) })
    const status = async (subscription: Subscription) => (await ask(subscription)).status
    expect(await status({ patterns: ['orders.eu.*'] })).toBe(200)
    expect(await status({ patterns: ['orders.eu.1.*'] })).toBe(200)
    expect(await status({ topics: ['orders.eu.7', 'news'] })).toBe(200)
    expect(await status({ patterns: ['orders.*'] })).toBe(403)
    expect(await status({ patterns: ['*'] })).toBe(403)
    expect(await status({ topics: ['orders.us.7'] })).toBe(403)
    // Who asks for nothing gets what was granted.
    expect(await status({})).toBe(200)
    const last = [...hub.subscribers()].at(-1) as Subscriber
    expect([last.topics, last.patterns]).toEqual([['news'], ['orders.eu.*']])
  })

  test('are not granted where topics alone are', async () => {
    const { ask } = hubOf({ authorize: () => ({ topics: ['a.1'] }) })
    expect((await ask({ patterns: ['a.*'] })).status).toBe(403)
  })
})

describe('subscribe', () => {
  async function one(grant: object | true): Promise<Subscriber> {
    const { hub, ask } = hubOf({ authorize: () => grant })
    await ask({ topics: ['a'] })
    return [...hub.subscribers()][0] as Subscriber
  }

  test('throws not-granted for a topic beyond the grant, and adds none then', async () => {
    const subscriber = await one({ topics: ['a', 'b'], patterns: ['c.*'] })
    expect(() => subscriber.subscribe('b', 'secret')).toThrow(expect.objectContaining({ code: 'not-granted' }))
    expect(subscriber.topics).toEqual(['a'])
    subscriber.subscribe('b', 'c.1')
    expect(subscriber.topics).toEqual(['a', 'b', 'c.1'])
  })

  test('adds anything where the grant does not say', async () => {
    const subscriber = await one(true)
    subscriber.subscribe('whatever')
    expect(subscriber.topics).toEqual(['a', 'whatever'])
  })

  test.each([[undefined], [null], [''], [7], [['a', 'b']]])('refuses %j, which is no topic', async (topic) => {
    const subscriber = await one(true)
    expect(() => subscriber.subscribe('b', topic as string)).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
    expect(subscriber.topics).toEqual(['a'])
  })
})

describe('a filter', () => {
  test.each<[string, unknown, unknown]>([
    ['the route says nothing and the grant says no', () => undefined, () => false],
    ['the route says no and the grant says yes', () => false, () => true],
    ['the route says yes and the grant says nothing', () => true, () => undefined],
    ['the route says nothing', () => undefined, undefined],
    ['the route promises', async () => true, undefined],
    ['the grant promises', undefined, async () => false],
    ['the route promises and the grant says yes', async () => false, () => true],
    ['the route says yes and the grant promises', () => true, async () => false],
  ])('withholds where %s', async (_, route, grant) => {
    const { hub, ask } = hubOf({
      authorize: () => ({ ...(grant !== undefined && { filter: grant as () => boolean }) }),
    })
    const response = await ask({ ...(route !== undefined && { filter: route }) })
    await hub.publish({ data: 'secret' })
    await hub.close()
    expect(await response.text()).not.toContain('secret')
  })
})

test('ten thousand topics of one reader are found in constant time, for delivery and for one more', {
  timeout: 20_000,
}, async () => {
  const { hub, ask } = hubOf({ maxQueued: 2 ** 30 })
  await ask({ topics: ['only'] })
  await ask({ topics: Array.from({ length: 10_000 }, (_, n) => `t${n}`) })
  const [few, many] = hub.subscribers() as unknown as [Subscriber, Subscriber]
  // Milliseconds of the processor, the least of several runs: what else the machine does only adds.
  const time = (run: (n: number) => void, times: number) => {
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 7; round++) {
      const start = process.cpuUsage()
      for (let n = 0; n < times; n++) run(n)
      const { user, system } = process.cpuUsage(start)
      best = Math.min(best, (user + system) / 1000)
    }
    return best
  }
  const publish = (topic: string) => time(() => void hub.publish({ data: 'x' }, { topic }), 2000)
  const [first, last] = [publish('only'), publish('t9999')]
  // Searched as a list it was twenty times as much.
  expect(last).toBeLessThan(first * 8 + 40)
  const add = (subscriber: Subscriber) => time((n) => subscriber.subscribe(`more${n}`), 1000)
  expect(add(many)).toBeLessThan(add(few) * 8 + 40)
})
