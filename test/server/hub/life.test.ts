import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import {
  accept,
  type CloseReason,
  createHub,
  type Hub,
  type HubOptions,
  memoryLogs,
  type PublishedEvent,
  type Subscriber,
} from '../../../src/server/index.ts'
import { remoteLog } from '../logs.ts'
import { after, read, serve, serveHub, until } from '../serve.ts'

const Foreign = runInNewContext('Promise') as PromiseConstructor

function hubOf(options: HubOptions = {}): Hub {
  const hub = createHub(options)
  after(() => hub.close({ within: 0 }))
  return hub
}

const ask = (headers: Record<string, string> = {}) => new Request('http://a/', { headers })

describe('hub.add', () => {
  test('calls onConnect, and onDisconnect after it, each once, also for what is closed at once', async () => {
    const heard: string[] = []
    const hub = hubOf({
      onConnect: ({ id }) => void heard.push(`connect ${id}`),
      onDisconnect: ({ id }, reason) => heard.push(`disconnect ${id} ${reason}`),
    })
    const connection = accept(ask(), { heartbeat: 0 })
    const { id } = hub.add(connection)
    await until(() => hub.stats().states.live === 1)
    connection.close()
    expect(heard).toEqual([`connect ${id}`, `disconnect ${id} closed`])
    heard.length = 0
    // Before the hub knows where it begins: it has not begun, and nobody has heard of it.
    const late = accept(ask(), { heartbeat: 0 })
    const subscriber = hub.add(late)
    late.close()
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(heard.filter((line) => line.startsWith('disconnect')).length).toBe(
      heard.filter((line) => line.startsWith('connect')).length,
    )
    expect([hub.size, subscriber.state]).toEqual([0, 'closed'])
  })

  test('takes a connection once: a second hub, or the same again, is told', async () => {
    const [hub, other] = [hubOf(), hubOf()]
    const connection = accept(ask(), { heartbeat: 0 })
    const subscriber = hub.add(connection)
    for (const again of [hub, other]) {
      expect(() => again.add(connection)).toThrow(expect.objectContaining({ code: 'invalid-option' }))
    }
    expect([hub.size, other.size, subscriber.open, connection.open]).toEqual([1, 0, true, true])
  })

  test('does not announce unique ids, and keeps the head that accept sent', async () => {
    const hub = hubOf({ heartbeat: 1000 })
    const url = await serve((request, response) => void hub.add(accept(request, response, { heartbeat: 5000 }), {}))
    const { headers } = await read(url)
    expect(headers).toHaveProperty('unmissed', 'heartbeat=5000')
  })

  test('ends a connection after the hub’s maxDuration, in place of accept’s', async () => {
    const reasons: CloseReason[] = []
    const hub = hubOf({ maxDuration: 60, onDisconnect: (_, reason) => reasons.push(reason) })
    const connection = accept(ask(), { heartbeat: 0, maxDuration: 100_000 })
    hub.add(connection)
    expect(await connection.closed).toBe('expired')
    expect(reasons).toEqual(['expired'])
  })

  test('goes past authorize and limits, and resumes as its reader asks', async () => {
    const authorize = vi.fn(() => false)
    const hub = hubOf({ authorize, limits: { connections: 0 } })
    const { id } = await hub.publish({ data: '1' })
    await hub.publish({ data: '2' })
    const connection = accept(ask({ 'last-event-id': id }), { heartbeat: 0 })
    hub.add(connection)
    await until(() => hub.stats().states.live === 1)
    connection.close()
    expect((await connection.response.text()).match(/data: \d/g)).toEqual(['data: 2'])
    expect(authorize).not.toHaveBeenCalled()
  })

  test('after hub.close throws hub-closed, and leaves the connection to whoever has it', async () => {
    const hub = createHub()
    await hub.close()
    const connection = accept(ask(), { heartbeat: 0 })
    expect(() => hub.add(connection)).toThrow(expect.objectContaining({ code: 'hub-closed' }))
    expect(connection.open).toBe(true)
    connection.close()
  })
})

describe('a publish that is repeated with its idempotency key', () => {
  test('is one: one event, one call of onPublish, one in the count, and the id that a reader got', async () => {
    const published = vi.fn()
    const { hub, join } = await serveHub({ onPublish: published })
    const reader = await join()
    await until(() => hub.size === 1)
    const event = { type: 'paid', data: 7 }
    const ids = []
    for (let n = 0; n < 3; n++) ids.push(await hub.publish(event, undefined, { idempotencyKey: 'order-7' }))
    const [first] = await reader.until(1)
    expect(ids).toEqual([{ id: first?.id }, { id: first?.id }, { id: first?.id }])
    expect(published.mock.calls).toEqual([[first?.id, event]])
    expect(hub.metrics()).toContain('unmissed_published_total 1\n')
    const again = await join({ lastEventId: first?.id })
    await hub.publish({ data: 'next' })
    expect((await again.until(1)).map(({ data }) => data)).toEqual(['next'])
  })

  test('and an id of its own gives that id again', async () => {
    const hub = hubOf()
    const options = { idempotencyKey: 'k' }
    const ids = [
      await hub.publish({ id: 'mine', data: 1 }, undefined, options),
      await hub.publish({ id: 'mine', data: 1 }, undefined, options),
    ]
    expect(ids).toEqual([{ id: 'mine' }, { id: 'mine' }])
  })
})

describe('an id of the application’s own', () => {
  test('in the form of a position of the log is refused: it would take another event’s identity', async () => {
    const hub = hubOf({ onError: () => {} })
    const { id } = await hub.publish({ data: '1' })
    const [epoch] = id.split('.')
    for (const taken of [`${epoch}.1`, `${epoch}.2`, `${epoch}.0`, `${epoch}.99999`]) {
      await expect(hub.publish({ id: taken, data: 'x' })).rejects.toMatchObject({ code: 'reserved-id' })
    }
    expect((await hub.publish({ data: '2' })).id).toBe(`${epoch}.2`)
  })

  test.each([' a', 'a ', '\ta', 'a\t', ' '])(
    'with a space at its ends is refused: %j would come back as another',
    async (id) => {
      const hub = hubOf({ onError: () => {} })
      await expect(hub.publish({ id, data: 'x' })).rejects.toMatchObject({ code: 'invalid-option' })
    },
  )

  test.each(['a b', 'order-7', '7', '日本', '1.5', 'é', '\u00a0a', 'a\u2003'])(
    'such as %j can be resumed after',
    async (id) => {
      const { hub, join } = await serveHub()
      await hub.publish({ id, data: '1' })
      await hub.publish({ data: '2' })
      const reader = await join({ headers: { 'last-event-id': Buffer.from(id).toString('latin1') } })
      expect(await reader.until(1)).toMatchObject([{ type: 'message', data: '2' }])
    },
  )

  test('that is taken is refused with duplicate-id', async () => {
    const hub = hubOf({ onError: () => {} })
    await hub.publish({ id: 'a', data: '1' })
    await expect(hub.publish({ id: 'a', data: '2' })).rejects.toMatchObject({ code: 'duplicate-id' })
  })
})

test('the time of delivery is that of live events: replays are not in it', async () => {
  const { hub, join } = await serveHub()
  const { id } = await hub.publish({ data: '0' })
  for (let n = 1; n <= 50; n++) await hub.publish({ data: `${n}` })
  await new Promise((resolve) => setTimeout(resolve, 30))
  const reader = await join({ lastEventId: id })
  await reader.until(50)
  expect(hub.metrics()).toContain('unmissed_delivery_seconds_count 0\n')
  await hub.publish({ data: 'live' })
  await reader.until(51)
  expect(hub.metrics()).toContain('unmissed_delivery_seconds_count 1\n')
})

describe('close', () => {
  test('lets presence be published from onDisconnect, for each reader, without an error', async () => {
    const onError = vi.fn()
    const published: string[] = []
    const served = await serveHub(
      {
        onError,
        onPublish: (_, { data }) => published.push(String(data)),
        onDisconnect: ({ user }) => void served.hub.publish({ type: 'left', data: user }),
      },
      ({ url }) => ({ user: url?.slice(1) as string }),
    )
    for (let n = 0; n < 20; n++) await served.join({ path: `u${n}` })
    await until(() => served.hub.size === 20)
    await served.hub.close()
    expect([published.length, onError.mock.calls]).toEqual([20, []])
    await expect(served.hub.publish({ data: 'late' })).rejects.toMatchObject({ code: 'hub-closed' })
  })

  test('does not close a log that was given to it', async () => {
    const logs = memoryLogs()
    const log = logs.open('news')
    const hub = createHub({ log })
    await hub.publish({ data: '1' })
    await hub.close()
    expect(await log.bounds()).toMatchObject({ offset: 1, sealed: false })
    // Another hub goes on from it.
    const next = hubOf({ log })
    expect((await next.publish({ data: '2' })).id).toMatch(/\.2$/)
  })

  test('lets go of a log that it made', async () => {
    const hub = createHub()
    await hub.publish({ data: '1' })
    await hub.close()
    await expect(hub.publish({ data: '2' })).rejects.toMatchObject({ code: 'hub-closed' })
  })

  test.each<[string, (hub: Hub) => HubOptions]>([
    ['onConnect', (hub) => ({ onConnect: () => void hub.close() })],
    ['onDisconnect', (hub) => ({ onDisconnect: () => void hub.close() })],
    ['onPublish', (hub) => ({ onPublish: () => void hub.close() })],
    ['authorize', (hub) => ({ authorize: () => hub.close({ within: 0 }).then(() => true) })],
    ['onRefuse', (hub) => ({ limits: { connections: 0 }, onRefuse: () => void hub.close() })],
    ['onGap', (hub) => ({ onGap: () => void hub.close() })],
  ])('may be called from within %s', async (_, make) => {
    const onError = vi.fn()
    let hub: Hub | undefined
    const options = make(new Proxy({} as Hub, { get: (_target, name) => Reflect.get(hub as Hub, name).bind(hub) }))
    hub = createHub({ onError, ...options })
    const response = await hub.fetch(ask({ 'last-event-id': 'unknown.1' }))
    void hub.publish({ data: 'x' }).catch(() => {})
    void response.text().catch(() => {})
    hub.disconnect('everyone')
    await hub.close({ within: 1000 })
    expect(hub.size).toBe(0)
    expect(onError.mock.calls.filter(([{ code }]) => code !== 'hub-closed')).toEqual([])
  })
})

describe('what filters and hooks are given', () => {
  test('is one value for all, which none of them can change', async () => {
    const seen: unknown[] = []
    const spoil = ({ data }: PublishedEvent) => {
      seen.push(data)
      try {
        ;(data as { list: number[] }).list.push(4)
      } catch {}
      try {
        ;(data as { name: string }).name = 'changed'
      } catch {}
      return true
    }
    const { hub, join } = await serveHub({}, { filter: spoil })
    const readers = [await join(), await join()]
    await until(() => hub.size === 2)
    const mine = { name: 'a', list: [1, 2, 3], deep: { er: { er: 1 } } }
    await hub.publish({ data: mine })
    for (const reader of readers)
      expect((await reader.until(1))[0]?.data).toBe('{"name":"a","list":[1,2,3],"deep":{"er":{"er":1}}}')
    expect(seen).toEqual([mine, mine])
    expect(Object.isFrozen((seen[0] as typeof mine).deep.er)).toBe(true)
    // What was published stays the caller's.
    mine.list.push(4)
  })

  test('is decoded without a prototype’s help: a key __proto__ is data', async () => {
    let seen: unknown
    const { hub, join } = await serveHub(
      {},
      {
        filter({ data }) {
          seen = data
          return true
        },
      },
    )
    const reader = await join()
    await until(() => hub.size === 1)
    await hub.publish({ data: JSON.parse('{"__proto__":{"admin":true},"a":1}') })
    await reader.until(1)
    expect([Object.keys(seen as object), ({} as { admin?: boolean }).admin]).toEqual([['__proto__', 'a'], undefined])
  })
})

describe('metrics of two hubs', () => {
  test('fit one registry: by a prefix, or by labels', async () => {
    const [one, two] = [hubOf(), hubOf()]
    await one.publish({ data: 1 })
    const text =
      one.metrics({ labels: { hub: 'a"b\\c\nd' } }) + two.metrics({ prefix: 'other', labels: { hub: 'two' } })
    expect(text).toContain('unmissed_published_total{hub="a\\"b\\\\c\\nd"} 1\n')
    expect(text).toContain('other_published_total{hub="two"} 0\n')
    expect(text).toContain('other_delivery_seconds_bucket{hub="two",le="+Inf"} 0\n')
    // No series twice.
    const series = text
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => line.replace(/ \S+$/, ''))
    expect(new Set(series).size).toBe(series.length)
  })
})

describe('where a message cannot leave the process', () => {
  test('a condition is refused before the log has it, and other readers go on', async () => {
    const log = remoteLog()
    const { hub, join } = await serveHub({ log, onError: () => {} })
    const reader = await join()
    await until(() => hub.size === 1)
    await expect(hub.publish({ data: 'x' }, { where: () => true })).rejects.toMatchObject({ code: 'invalid-option' })
    await hub.publish({ data: 'y' })
    expect((await reader.until(1))[0]).toMatchObject({ data: 'y', id: expect.stringMatching(/\.1$/) })
  })
})

test('a reader that returns during what was published to nobody who can be resumes all the same', async () => {
  const { hub, join } = await serveHub({ onError: () => {} }, { topics: ['news'] })
  const { id } = await hub.publish({ data: '0' }, { topic: 'news' })
  for (const audience of [{ topics: 'news' }, { topics: [7] }, { topics: null }, { user: {} }, { topics: [] }]) {
    await expect(hub.publish({ data: 'poison' }, audience as never)).rejects.toMatchObject({ code: 'invalid-option' })
  }
  await hub.publish({ data: '1' }, { topic: 'news' })
  const reader = await join({ lastEventId: id })
  expect((await reader.until(1)).map(({ data }) => data)).toEqual(['1'])
})

test('a hook may answer with a promise of another realm, or of a library: a snapshot that it sends comes first', async () => {
  const hub = hubOf({
    onConnect: (subscriber) =>
      new Foreign<void>((resolve) => setTimeout(() => subscriber.send('snapshot').then(resolve), 20)),
  })
  const response = await hub.fetch(ask())
  const text = response.text()
  await hub.publish({ data: 'live' })
  await until(() => hub.stats().states.live === 1)
  await hub.close()
  expect((await text).match(/data: \w+/g)).toEqual(['data: snapshot', 'data: live'])
})

test('a topic of twenty thousand parts is looked up as fast as a short one', async () => {
  const hub = hubOf()
  await hub.fetch(ask(), { patterns: ['a.b.*'] })
  const start = performance.now()
  for (let n = 0; n < 20; n++) await hub.publish({ data: 'x' }, { topic: `a.b${'.c'.repeat(20_000)}` })
  // Each of its beginnings looked up, one alone took half a second.
  expect(performance.now() - start).toBeLessThan(1000)
  expect(hub.count({ topic: `a.b${'.c'.repeat(20_000)}` })).toBe(1)
})

test('a hook that publishes, ends and subscribes in the middle of a delivery disturbs nobody’s order', async () => {
  const served = await serveHub(
    {
      onPublish: (_, { data }) => {
        if (data === 'a') void served.hub.publish({ data: 'from onPublish' })
      },
      onDisconnect: () => void served.hub.publish({ data: 'from onDisconnect' }),
      onConnect: () => void served.hub.publish({ data: 'from onConnect' }),
    },
    {
      filter: ({ data }) => {
        if (data === 'end one' && served.hub.size === 2) served.hub.disconnect({ client: first().id }, { now: true })
        if (data === 'a') first().subscribe(`t${Math.random()}`)
        return true
      },
    },
  )
  const first = () => [...served.hub.subscribers()][0] as Subscriber
  const readers = [await served.join(), await served.join()]
  await until(() => served.hub.stats().states.live === 2)
  for (const data of ['a', 'end one', 'b', 'c']) await served.hub.publish({ data })
  await until(() => readers[1]?.events.some(({ data }) => data === 'c') ?? false)
  const ids = readers[1]?.events.map(({ id }) => Number(id.split('.')[1])) ?? []
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
  expect(new Set(ids).size).toBe(ids.length)
  await until(() => readers[1]?.events.some(({ data }) => data === 'from onDisconnect') ?? false)
})
