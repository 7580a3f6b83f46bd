import { describe, expect, test, vi } from 'vitest'
import { accept, createHub, type Hub, HubClosed, type Subscriber } from '../../../src/server/index.ts'
import { after, read, serve, serveHub, until } from '../serve.ts'

const data = (reader: { events: readonly { data: string }[] }) => reader.events.map((event) => event.data)

/** Publishes a last event for everyone, and says what each reader got before it. */
async function got(hub: Hub, readers: ReadonlyArray<Awaited<ReturnType<typeof read>>>) {
  await hub.publish({ data: 'END' })
  for (const reader of readers) await until(() => data(reader).includes('END'))
  return readers.map((reader) => data(reader).filter((text) => text !== 'END'))
}

describe('publish', () => {
  test('reaches everyone when nobody is named, with an id that counts', async () => {
    const { hub, join } = await serveHub()
    const readers = [await join(), await join()]
    const first = await hub.publish({ type: 'tick', data: { price: 3 } })
    const second = await hub.publish({ data: 'text\nof two lines' })
    for (const reader of readers) {
      await reader.until(2)
      expect(reader.events).toEqual([
        { type: 'tick', data: '{"price":3}', id: first.id },
        { type: 'message', data: 'text\nof two lines', id: second.id },
      ])
    }
    const [epoch, offset] = first.id.split('.')
    expect([offset, second.id]).toEqual(['1', `${epoch}.2`])
  })

  test('reaches those who follow a topic, or any of several, once', async () => {
    const { hub, join } = await serveHub({}, ({ url }) => ({ topics: (url ?? '').slice(1).split('').filter(Boolean) }))
    const readers = [await join(), await join({ path: 'a' }), await join({ path: 'ab' }), await join({ path: 'bb' })]
    await until(() => hub.size === 4)
    void hub.publish({ data: 'a' }, { topic: 'a' })
    void hub.publish({ data: 'b' }, { topics: ['b'] })
    void hub.publish({ data: 'a or b' }, { topics: ['a', 'b'] })
    void hub.publish({ data: 'a or c' }, { topic: 'a', topics: ['c'] })
    void hub.publish({ data: 'nobody' }, { topics: [] })
    expect(await got(hub, readers)).toEqual([
      [],
      ['a', 'a or b', 'a or c'],
      ['a', 'b', 'a or b', 'a or c'],
      ['b', 'a or b'],
    ])
    expect(hub.stats().topics).toEqual({ a: 2, b: 2 })
  })

  test('reaches all connections of a user, one client, or those of whom something is true; each name narrows', async () => {
    const { hub, join } = await serveHub({}, ({ url }) => ({
      user: url === '/anna' ? 'anna' : url === '/ben' ? 'ben' : undefined,
      topics: url === '/ben' ? [] : ['t'],
      metadata: { path: url },
    }))
    const readers = []
    for (const path of ['anna', 'anna', 'ben', '']) {
      readers.push(await join({ path }))
      await until(() => hub.size === readers.length)
    }
    const [first] = [...hub.subscribers()]
    const client = first?.id as string
    void hub.publish({ data: 'anna' }, { user: 'anna' })
    void hub.publish({ data: 'one' }, { client })
    void hub.publish({ data: 'nobody' }, { user: 'ben', topic: 't' })
    void hub.publish({ data: 'nobody either' }, { client, user: 'ben' })
    void hub.publish({ data: 'where' }, { where: ({ metadata }) => (metadata as { path: string }).path === '/ben' })
    void hub.publish({ data: 'no such user' }, { user: 'carl' })
    void hub.publish({ data: 'no such client' }, { client: 'x' })
    expect(await got(hub, readers)).toEqual([['anna', 'one'], ['anna'], ['where'], []])
    expect(hub.stats().users).toEqual({ anna: 2, ben: 1 })
  })

  test('an event of a type without data is dispatched all the same', async () => {
    const { hub, join } = await serveHub()
    const reader = await join()
    await hub.publish({ type: 'refresh' })
    await reader.until(1)
    expect(reader.events[0]).toMatchObject({ type: 'refresh', data: '' })
  })

  test.each([
    ['a type with a line end', { type: 'a\nb', data: '' }],
    ['an id with NUL', { id: 'a\0', data: '' }],
    ['an id that no header carries', { id: 'a\x01', data: '' }],
    ['an empty id, which would make readers forget', { id: '', data: '' }],
    ['a retry that is no number', { retry: -5 }],
    ['data without a JSON form', { data: () => {} }],
    ['data with a cycle', { data: Object.assign([], { 0: globalThis }) }],
    ['the type that is the hub’s own', { type: 'gap', data: '' }],
  ])('rejects %s, tells onError, and harms nobody', async (_, event) => {
    const onError = vi.fn()
    const { hub, join } = await serveHub({ onError })
    const reader = await join()
    await expect(hub.publish(event)).rejects.toThrow(/./)
    void hub.publish(event)
    expect(await got(hub, [reader])).toEqual([[]])
    expect(onError).toHaveBeenCalledTimes(2)
  })

  test('resolves with the same id for the same idempotency key, and adds nothing', async () => {
    const { hub, join } = await serveHub()
    const reader = await join()
    const first = await hub.publish({ data: '1' }, undefined, { idempotencyKey: 'k' })
    expect(await hub.publish({ data: '1' }, undefined, { idempotencyKey: 'k' })).toEqual(first)
    expect(await got(hub, [reader])).toEqual([['1']])
  })

  test('from within a callback comes after what is being delivered, for everyone', async () => {
    const served = await serveHub(
      {},
      {
        filter: ({ data }) => {
          if (data === '1') void served.hub.publish({ data: '2' })
          return true
        },
      },
    )
    const readers = [await served.join(), await served.join()]
    await until(() => served.hub.size === 2)
    void served.hub.publish({ data: '1' })
    for (const reader of readers) {
      await reader.until(3)
      expect(data(reader)).toEqual(['1', '2', '2'])
    }
  })
})

describe('a filter', () => {
  test('withholds events; it sees their type, data, topics and id', async () => {
    const seen: unknown[] = []
    const { hub, join } = await serveHub(
      {},
      {
        topics: ['t'],
        filter({ id, type, data, topics, user, client }) {
          seen.push({ id, type, data, topics, user, client })
          return (data as { n?: number }).n !== 2
        },
      },
    )
    const reader = await join()
    await until(() => hub.size === 1)
    const { id } = await hub.publish({ type: 'a', data: { n: 1, text: 'x\n' } }, { topic: 't' })
    void hub.publish({ type: 'a', data: { n: 2 } })
    void hub.publish({ data: 'text\r\nis text' })
    expect(await got(hub, [reader])).toEqual([['{"n":1,"text":"x\\n"}', 'text\nis text']])
    expect(seen[0]).toEqual({
      id,
      type: 'a',
      data: { n: 1, text: 'x\n' },
      topics: ['t'],
      user: undefined,
      client: undefined,
    })
    expect((seen[2] as { data: unknown }).data).toBe('text\nis text')
  })

  test('is not told of what is not for its subscriber', async () => {
    const filter = vi.fn(() => true)
    const { hub, join } = await serveHub({}, { filter })
    const reader = await join()
    void hub.publish({ data: 'secret' }, { user: 'somebody else' })
    void hub.publish({ data: 'secret' }, { topic: 'another' })
    expect(await got(hub, [reader])).toEqual([[]])
    expect(filter).toHaveBeenCalledTimes(1)
  })

  test('that throws withholds the event, is reported, and disturbs nobody', async () => {
    const onError = vi.fn()
    const { hub, join } = await serveHub({ onError }, ({ url }) => ({
      filter({ data }) {
        if (url === '/bad' && data === 'bad') throw new Error('mine')
        return true
      },
    }))
    const readers = [await join({ path: 'bad' }), await join()]
    await until(() => hub.size === 2)
    void hub.publish({ data: 'bad' })
    expect(await got(hub, readers)).toEqual([[], ['bad']])
    expect(onError).toHaveBeenCalledTimes(1)
  })
})

describe('a subscriber', () => {
  test('follows and leaves topics while it is connected', async () => {
    const { hub, join } = await serveHub()
    const reader = await join()
    await until(() => hub.size === 1)
    const [subscriber] = hub.subscribers()
    void hub.publish({ data: 'before' }, { topic: 'a' })
    subscriber?.subscribe('a', 'b', 'a')
    expect(subscriber?.topics).toEqual(['a', 'b'])
    void hub.publish({ data: 'a' }, { topic: 'a' })
    void hub.publish({ data: 'both' }, { topics: ['a', 'b'] })
    subscriber?.unsubscribe('a', 'z')
    void hub.publish({ data: 'after' }, { topic: 'a' })
    void hub.publish({ data: 'b' }, { topic: 'b' })
    expect(await got(hub, [reader])).toEqual([['a', 'both', 'b']])
    expect(hub.stats().topics).toEqual({ b: 1 })
    reader.drop()
    await until(() => hub.size === 0)
    subscriber?.subscribe('c')
    expect(hub.stats().topics).toEqual({})
  })

  test('is sent events of its own, past the log', async () => {
    const { hub, join } = await serveHub()
    const readers = [await join(), await join()]
    await until(() => hub.size === 2)
    const [subscriber] = hub.subscribers()
    await subscriber?.send({ type: 'private', data: 1 })
    expect((await got(hub, readers)).map((list) => list.length).sort()).toEqual([0, 1])
    expect(hub.stats().newest).toMatch(/\.1$/)
  })

  test('has an id, its user, where it comes from, and a state', async () => {
    const { hub, join } = await serveHub({}, { user: 'u', metadata: 7 })
    const reader = await join({ lastEventId: 'x' })
    await until(() => hub.size === 1)
    const [subscriber] = hub.subscribers() as unknown as [Subscriber]
    expect(subscriber).toMatchObject({ user: 'u', metadata: 7, address: '127.0.0.1', lastEventId: 'x', open: true })
    expect(subscriber.id).toMatch(/^[0-9a-f-]{36}$/)
    await until(() => subscriber.state === 'live')
    reader.drop()
    await expect(subscriber.closed).resolves.toBe('left')
    expect([subscriber.state, subscriber.signal.aborted, subscriber.queued]).toEqual(['closed', true, 0])
  })

  test('can be a connection that was accepted before', async () => {
    const hub = createHub()
    after(() => hub.close())
    const url = await serve((request, response) => {
      const connection = accept(request, response)
      void connection.send('hello')
      hub.add(connection, { topics: ['a'] })
    })
    const reader = await read(url)
    await until(() => hub.stats().states.live === 1)
    await hub.publish({ data: 'a' }, { topic: 'a' })
    await reader.until(2)
    expect(data(reader)).toEqual(['hello', 'a'])
    expect(hub.disconnect('everyone')).toBe(1)
    await reader.ended
    expect(() => hub.add({} as never)).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  })

  test('that was accepted and is over is not counted', async () => {
    const hub = createHub()
    after(() => hub.close())
    const connection = accept(new Request('http://a/', { headers: { accept: 'text/html' } }))
    const subscriber = hub.add(connection)
    expect([hub.size, subscriber.state]).toEqual([0, 'closed'])
    await expect(subscriber.send('x')).rejects.toMatchObject({ code: 'connection-closed' })
  })

  test('that was accepted ends for both when either is ended', async () => {
    const hub = createHub()
    after(() => hub.close())
    for (const end of ['connection', 'subscriber'] as const) {
      const connection = accept(new Request('http://a/'))
      const subscriber = hub.add(connection)
      ;({ connection, subscriber })[end].close()
      await expect(connection.closed).resolves.toBe('closed')
      await expect(subscriber.closed).resolves.toBe('closed')
      expect(hub.size).toBe(0)
    }
  })
})

describe('the beginning', () => {
  test('is a comment, the place in the log, the time to return, and a connected event if it is asked for', async () => {
    const { hub, join } = await serveHub({ retry: 4000, connected: true })
    await hub.publish({ data: 'before' })
    const reader = await join({ raw: true })
    await reader.until(1)
    const [subscriber] = hub.subscribers()
    const [event] = reader.events
    expect(event).toMatchObject({ type: 'connected', id: reader.headers['last-event-id'] })
    expect(JSON.parse(event?.data ?? '')).toEqual({ client: subscriber?.id, time: expect.any(Number) })
    expect(reader.bytes.toString()).toMatch(/^:\n\nid: \w+\.1\nevent: connected\nretry: 4000\ndata: .*\n\n$/)
  })

  test('can name the connected event differently', async () => {
    const { join } = await serveHub({ connected: 'hello' })
    const reader = await join()
    await reader.until(1)
    expect(reader.events[0]?.type).toBe('hello')
  })

  test('passes on requests for something else, as Express does', async () => {
    const hub = createHub()
    const url = await serve((request, response) => hub.handle(request, response, (() => response.end('page')) as never))
    expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toBe('page')
    const other = await serve((request, response) =>
      hub.handle(request, response, { next: () => response.end('page') }),
    )
    expect(await (await fetch(other, { headers: { accept: 'text/html' } })).text()).toBe('page')
    expect((await fetch(other, { method: 'PUT' })).status).toBe(405)
  })

  test('answers HEAD with the head alone, for those who may', async () => {
    const { hub, url } = await serveHub({ authorize: (request) => request.query('token') === 'x' })
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(401)
    const response = await fetch(`${url}?token=x`, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-type'), hub.size]).toEqual([200, 'text/event-stream', 0])
    expect(hub.metrics()).toContain('unmissed_connections 0\n')
  })

  test('a response that was used before is reported, and the request is not left hanging', async () => {
    const onError = vi.fn()
    const hub = createHub({ onError })
    const url = await serve(async (request, response) => {
      response.write('mine')
      expect(await hub.handle(request, response)).toBeUndefined()
      response.end()
    })
    expect(await (await fetch(url)).text()).toBe('mine')
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: 'cannot-stream' })
  })
})

test('a response that two take is one’s: the other is told, and disturbs nothing', async () => {
  const onError = vi.fn()
  const hub = createHub({ onError, limits: { connections: 2 } })
  after(() => hub.close({ within: 0 }))
  const url = await serve((request, response) =>
    Promise.all([hub.handle(request, response), hub.handle(request, response)]),
  )
  const reader = await read(url)
  await until(() => onError.mock.calls.length > 0)
  await hub.publish({ data: 'x' })
  await reader.until(1)
  expect([onError.mock.calls, hub.size]).toEqual([[[expect.objectContaining({ code: 'cannot-stream' })]], 1])
})

describe('the heartbeat', () => {
  test('comes in silence, at least as often as it was announced, and not while there is traffic', async () => {
    const { hub, join } = await serveHub({ heartbeat: 100 })
    const times: number[] = []
    const reader = await join({ raw: true, onEvent: () => times.push(performance.now()) })
    expect(reader.headers).toHaveProperty('unmissed', 'heartbeat=100, ids=unique')
    await until(() => hub.size === 1)
    for (let n = 0; n < 10; n++) {
      await hub.publish({ data: `${n}` })
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    expect(reader.comments.length).toBe(1)
    const before = reader.comments.length
    await until(() => reader.comments.length >= before + 3)
  })

  test('can be an event of a name', async () => {
    const { join } = await serveHub({ heartbeat: 40, ping: 'ping' })
    const reader = await join()
    await reader.until(2)
    expect(reader.events.map(({ type }) => type)).toEqual(['ping', 'ping'])
    expect(Number(reader.events[0]?.data)).toBeGreaterThan(1e12)
  })

  test('is one timer, however many readers there are, and none without them', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const { hub, join } = await serveHub()
    const timers = () => set.mock.calls.filter(([, wait]) => (wait ?? 0) > 10_000).length
    const readers = []
    for (let n = 0; n < 5; n++) readers.push(await join())
    await until(() => hub.size === 5)
    expect(timers()).toBe(1)
    for (const reader of readers) reader.drop()
    await until(() => hub.size === 0)
  })
})

describe('disconnect', () => {
  test('ends the connections of a user, a client, or those of whom something is true', async () => {
    const { hub, join } = await serveHub({}, ({ url }) => ({ user: url?.slice(1) }))
    for (const path of ['a', 'a', 'b', 'c']) await join({ path })
    await until(() => hub.size === 4)
    expect(hub.disconnect({ user: 'a' })).toBe(2)
    await until(() => hub.size === 2)
    const [subscriber] = hub.subscribers()
    expect(hub.disconnect({ client: subscriber?.id as string })).toBe(1)
    await until(() => hub.size === 1)
    expect(hub.disconnect({ where: ({ user }) => user === 'zzz' })).toBe(0)
    expect(hub.disconnect({ user: 'a' })).toBe(0)
    expect(hub.disconnect('everyone')).toBe(1)
    await until(() => hub.size === 0)
  })
})

describe('the longest life', () => {
  test('ends each connection at its own time', async () => {
    const reasons: string[] = []
    const { join } = await serveHub({ maxDuration: 150, onDisconnect: (_, reason) => reasons.push(reason) })
    const start = performance.now()
    const readers = [await join(), await join(), await join()]
    await Promise.all(readers.map(({ ended }) => ended))
    expect(performance.now() - start).toBeGreaterThan(100)
    expect(reasons).toEqual(['expired', 'expired', 'expired'])
  })
})

describe('hooks', () => {
  test('hear of connections, publishes and ends; one that throws is reported and disturbs nothing', async () => {
    const heard: string[] = []
    const onError = vi.fn()
    const { hub, join } = await serveHub(
      {
        onError,
        onConnect: ({ user }) => void heard.push(`connect ${user}`),
        onDisconnect: ({ user }, reason) => {
          heard.push(`disconnect ${user} ${reason}`)
          throw new Error('mine')
        },
        onPublish: (id, event) => {
          heard.push(`publish ${id.split('.')[1]} ${event.data}`)
          throw new Error('mine')
        },
      },
      { user: 'u' },
    )
    const reader = await join()
    await until(() => hub.size === 1)
    await hub.publish({ data: 'x' })
    await reader.until(1)
    reader.drop()
    await until(() => heard.length === 3)
    expect(heard).toEqual(['connect u', 'publish 1 x', 'disconnect u left'])
    expect(onError).toHaveBeenCalledTimes(2)
  })

  test('an onError that throws harms nobody', async () => {
    const { hub, join } = await serveHub({
      onError() {
        throw new Error('twice')
      },
    })
    const reader = await join()
    await expect(hub.publish({ type: '\n' })).rejects.toThrow(TypeError)
    expect(await got(hub, [reader])).toEqual([[]])
  })
})

describe('close', () => {
  test('refuses arrivals with a time to return, tells the others when to, and ends them', async () => {
    const { hub, url, join } = await serveHub({ retry: 2000 })
    const readers = [await join({ raw: true }), await join({ raw: true }), await join({ raw: true })]
    await until(() => hub.size === 3)
    void hub.publish({ data: 'last' })
    const closed = hub.close()
    const late = await fetch(url)
    expect(late.status).toBe(503)
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThanOrEqual(5)
    await closed
    const retries = []
    for (const reader of readers) {
      await reader.ended
      expect(data(reader)).toEqual(['last'])
      retries.push(Number(/retry: (\d+)\n\n$/.exec(reader.bytes.toString())?.[1]))
    }
    for (const retry of retries) expect(retry >= 2000 && retry <= 4000).toBe(true)
    expect(new Set(retries).size).toBeGreaterThan(1)
    expect(hub.size).toBe(0)
    await expect(hub.publish({ data: 'late' })).rejects.toBeInstanceOf(HubClosed)
  })

  test('may be called any number of times, and resolves when all is over', async () => {
    const { hub, join } = await serveHub()
    await join()
    await until(() => hub.size === 1)
    await Promise.all([hub.close(), hub.close(), hub.close()])
    await hub.close()
    expect(hub.size).toBe(0)
  })

  test('waits for a reader that takes its time, but no longer than it is given', async () => {
    const { hub, join } = await serveHub({ maxQueued: 2 ** 30 })
    const reader = await join()
    await until(() => hub.size === 1)
    reader.pause()
    for (let n = 0; n < 20; n++) await hub.publish({ data: 'x'.repeat(2 ** 20) })
    const start = performance.now()
    await hub.close({ within: 100 })
    expect(performance.now() - start).toBeGreaterThan(90)
    expect(hub.size).toBe(0)
    const second = await serveHub({ maxQueued: 2 ** 30 })
    const slow = await second.join()
    await until(() => second.hub.size === 1)
    slow.pause()
    for (let n = 0; n < 20; n++) await second.hub.publish({ data: 'x'.repeat(2 ** 20) })
    const closed = second.hub.close({ within: 10_000 })
    slow.resume()
    await closed
    await slow.ended
    expect(slow.events.length).toBe(20)
  })
})

test('one thousand events in one second to one reader arrive in order', async () => {
  const { hub, join } = await serveHub()
  const reader = await join()
  for (let n = 0; n < 1000; n++) {
    void hub.publish({ data: `${n}` })
    if (n % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await reader.until(1000)
  expect(data(reader)).toEqual(Array.from({ length: 1000 }, (_, n) => `${n}`))
})

test('readers that come and go leave no timer, socket or listener behind', async () => {
  const { hub, url, join } = await serveHub({ maxDuration: 60_000, heartbeat: 50 })
  await (await join()).drop()
  await until(() => hub.size === 0)
  const kinds = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCPSocket/.test(kind)).length
  await new Promise((resolve) => setTimeout(resolve, 20))
  const before = kinds()
  for (let n = 0; n < 50; n++) {
    const reader = await read(url)
    void hub.publish({ data: 'x' })
    if (n % 2) reader.drop()
  }
  hub.disconnect('everyone')
  await until(() => hub.size === 0)
  await until(() => kinds() <= before)
})
