import { describe, expect, test, vi } from 'vitest'
import type { ServerSentEvent } from '../../../src/protocol/event.ts'
import { createParser } from '../../../src/protocol/parser.ts'
import {
  createHub,
  type Entry,
  type Follower,
  type Hub,
  type HubOptions,
  type Log,
  type Subscription,
} from '../../../src/server/index.ts'
import { lateLog, memoryLog, remoteLog } from '../logs.ts'
import { after, until } from '../serve.ts'

/** A reader as a client is one: it keeps the last id of what was dispatched, and can be cut off anywhere. */
async function reader(hub: Hub, lastEventId = '', subscription: Subscription = {}) {
  const events: ServerSentEvent[] = []
  let id = lastEventId
  const response = await hub.fetch(
    new Request('http://a/', lastEventId ? { headers: { 'last-event-id': lastEventId } } : {}),
    subscription,
  )
  const body = (response.body as ReadableStream<Uint8Array>).getReader()
  const parser = createParser({
    lastEventId,
    onEvent: (event) => events.push(event),
    onId: (next) => {
      id = next
    },
  })
  const reading = (async () => {
    for (;;) {
      const { done, value } = await body.read()
      if (done) return
      parser.push(value)
    }
  })().catch(() => {})
  const cut = async () => {
    await body.cancel().catch(() => {})
    await reading
  }
  after(cut)
  return {
    events,
    status: response.status,
    begins: response.headers.get('last-event-id'),
    get id() {
      return id
    },
    until: (count: number) => until(() => events.length >= count),
    cut,
    reading,
  }
}

function hubOf(options: HubOptions = {}): Hub {
  const hub = createHub({ heartbeat: 0, ...options })
  after(() => hub.close())
  return hub
}

const data = (events: readonly ServerSentEvent[]) => events.map((event) => event.data)
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`)

describe('a resume', () => {
  test('is whole: everything after the id, nothing twice, then live', async () => {
    const hub = hubOf()
    for (const n of numbers(1, 600)) await hub.publish({ data: n })
    const first = await reader(hub)
    await until(() => first.id !== '')
    const at = (n: number) => first.id.replace(/\d+$/, `${n}`)
    for (const start of [0, 1, 255, 256, 257, 599, 600]) {
      const resumed = await reader(hub, at(start))
      expect(resumed.begins).toBe(at(start))
      await resumed.until(600 - start)
      expect(data(resumed.events)).toEqual(numbers(start + 1, 600))
      await resumed.cut()
    }
  })

  test('of a reader that was cut off before its first event begins where it was', async () => {
    const hub = hubOf()
    await hub.publish({ data: 'before' })
    const first = await reader(hub)
    await until(() => first.id !== '')
    expect(first.id).toBe(first.begins)
    await first.cut()
    await hub.publish({ data: 'meanwhile' })
    const second = await reader(hub, first.id)
    await second.until(1)
    expect(data(second.events)).toEqual(['meanwhile'])
  })

  test('gets only what the subscription may see', async () => {
    const hub = hubOf()
    const { id } = await hub.publish({ data: 'start' })
    await hub.publish({ data: 'a' }, { topic: 'a' })
    await hub.publish({ data: 'b' }, { topic: 'b' })
    await hub.publish({ data: 'u' }, { user: 'u' })
    await hub.publish({ data: 'v' }, { user: 'v' })
    await hub.publish({ data: 'secret' }, { where: ({ user }) => user === 'v' })
    await hub.publish({ data: 'odd', type: 'odd' })
    await hub.publish({ data: 'end' })
    const resumed = await reader(hub, id, { topics: ['a'], user: 'u', filter: ({ type }) => type !== 'odd' })
    await until(() => data(resumed.events).includes('end'))
    expect(data(resumed.events)).toEqual(['a', 'u', 'end'])
  })

  test('by an id of the application is whole too, and tells nobody another one’s id', async () => {
    const hub = hubOf()
    await hub.publish({ data: '1', id: 'order-1' })
    await hub.publish({ data: '2', id: 'sécret' }, { user: 'u' })
    await hub.publish({ data: '3', id: 'order-3' })
    const resumed = await reader(hub, 'order-1')
    await resumed.until(1)
    expect(resumed.events).toEqual([{ type: 'message', data: '3', id: 'order-3' }])
    expect(resumed.begins).toBe('order-1')
    expect((await reader(hub)).begins).toMatch(/^\w+\.3$/)
    expect((await reader(hub, 'unknown')).begins).toMatch(/^\w+\.3$/)
    const own = await reader(hub, Buffer.from('sécret').toString('latin1'), { user: 'u' })
    expect(Buffer.from(own.begins ?? '', 'latin1').toString()).toBe('sécret')
    await expect(hub.publish({ data: '4', id: 'order-3' })).rejects.toMatchObject({ code: 'duplicate-id' })
  })
})

describe('a gap', () => {
  test.each([
    ['trimmed', 'trimmed', (id: string) => id.replace(/\d+$/, '1')],
    ['of the future', 'unknown', (id: string) => id.replace(/\d+$/, '99')],
    ['of another epoch', 'epoch', (id: string) => `x${id}`],
    ['malformed', 'unknown', () => 'no id of ours'],
    ['malformed like a number', 'unknown', (id: string) => id.replace(/\d+$/, '007')],
    ['too large', 'unknown', (id: string) => id.replace(/\d+$/, '9'.repeat(30))],
  ])(
    'is told for an id that is %s: header, event, hook, then live and nothing of the old',
    async (_, reason, change) => {
      const onGap = vi.fn()
      const hub = hubOf({ history: 3, onGap })
      let id = ''
      for (const n of numbers(1, 10)) id = (await hub.publish({ data: n })).id
      const asked = change(id)
      const resumed = await reader(hub, asked)
      await hub.publish({ data: 'live' })
      await resumed.until(2)
      const oldest = id.replace(/\d+$/, '8')
      expect(resumed.events[0]).toEqual({
        type: 'gap',
        data: JSON.stringify({ reason, asked, oldest, newest: id }),
        // Its place comes with what the hook has to say: cut off before, it asks again.
        id: asked,
      })
      expect(data(resumed.events.slice(1))).toEqual(['live'])
      expect(resumed.begins).toBe(id)
      expect(onGap).toHaveBeenCalledTimes(1)
      expect(onGap.mock.calls[0]?.[0]).toEqual({ reason, asked, oldest, newest: id })
      expect(hub.metrics()).toContain('unmissed_gaps_total 1\n')
    },
  )

  test('is not told to a reader that asks for nothing', async () => {
    const onGap = vi.fn()
    const hub = hubOf({ history: 1, onGap })
    for (const n of numbers(1, 3)) await hub.publish({ data: n })
    const fresh = await reader(hub)
    await hub.publish({ data: 'live' })
    await fresh.until(1)
    expect(data(fresh.events)).toEqual(['live'])
    expect(onGap).not.toHaveBeenCalled()
  })

  test('a snapshot that onGap sends comes after it, and before what was published meanwhile', async () => {
    const hub = hubOf({
      history: 5,
      async onGap(_, subscriber) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        void hub.publish({ data: 'meanwhile' })
        await subscriber.send({ type: 'snapshot', data: 'all' })
      },
    })
    const resumed = await reader(hub, 'lost')
    await hub.publish({ data: 'before the hook was done' })
    await resumed.until(4)
    expect(resumed.events.map(({ type, data }) => (type === 'gap' ? type : data))).toEqual([
      'gap',
      'all',
      'before the hook was done',
      'meanwhile',
    ])
  })

  test('a hook that throws or rejects is reported, and its reader ends, to return: without the snapshot it would go on wrongly', async () => {
    for (const onGap of [
      () => {
        throw new Error('mine')
      },
      async () => Promise.reject(new Error('mine')),
    ]) {
      const onError = vi.fn()
      const hub = hubOf({ onGap, onError })
      const resumed = await reader(hub, 'lost')
      await resumed.reading
      expect(resumed.events.map(({ type }) => type)).toEqual(['gap'])
      expect(onError).toHaveBeenCalledTimes(1)
      expect(hub.metrics()).toContain('unmissed_closed_total{reason="failed"} 1')
    }
  })

  test('is told again when a hook takes longer than the history lasts', async () => {
    let hooks = 0
    const hub = hubOf({
      history: 2,
      async onGap() {
        if (hooks++ === 0) for (const n of numbers(1, 5)) await hub.publish({ data: n })
      },
    })
    const resumed = await reader(hub, 'lost')
    await resumed.until(2)
    await hub.publish({ data: 'live' })
    await resumed.until(3)
    expect(resumed.events.map(({ type, data }) => (type === 'gap' ? type : data))).toEqual(['gap', 'gap', 'live'])
  })
})

describe('onConnect', () => {
  test('a snapshot that it sends comes first, and nothing published meanwhile is lost', async () => {
    const hub = hubOf({
      async onConnect(subscriber) {
        await hub.publish({ data: 'meanwhile' })
        await new Promise((resolve) => setTimeout(resolve, 10))
        await subscriber.send({ type: 'snapshot', data: 'all' })
      },
    })
    const fresh = await reader(hub)
    await hub.publish({ data: 'live' })
    await fresh.until(3)
    expect(data(fresh.events)).toEqual(['all', 'meanwhile', 'live'])
  })
})

describe('a quiet reader', () => {
  test('is given the place of the hub with its heartbeat, so that the log does not outgrow it', async () => {
    const hub = hubOf({ history: 3, heartbeat: 40 })
    const quiet = await reader(hub, '', { topics: ['quiet'] })
    await until(() => quiet.id !== '')
    const before = quiet.id
    for (const n of numbers(1, 20)) await hub.publish({ data: n }, { topic: 'busy' })
    await until(() => quiet.id !== before)
    expect(quiet.id).toMatch(/\.20$/)
    expect(quiet.events).toEqual([])
    await quiet.cut()
    await hub.publish({ data: 'for it' }, { topic: 'quiet' })
    const back = await reader(hub, quiet.id, { topics: ['quiet'] })
    await back.until(1)
    expect(data(back.events)).toEqual(['for it'])
  })
})

describe('with a log that answers late', () => {
  test('replay and live are joined without a hole or a double, however often a reader is cut off', async () => {
    let seed = 7
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed / 2 ** 31
    }
    const hub = hubOf({ log: lateLog(memoryLog(), random) })
    let publishing = true
    const written: string[] = []
    const log = async (topics: string[]) => {
      const wanted = (topic: string) => topics.includes(topic)
      let current = await reader(hub, '', { topics })
      const start = Number(current.begins?.split('.')[1])
      await until(() => current.id !== '')
      const got: ServerSentEvent[] = []
      while (publishing) {
        await new Promise((resolve) => setTimeout(resolve, random() * 25))
        const { id } = current
        await current.cut()
        got.push(...current.events)
        // What came with the cut was dispatched as well, and its id counts.
        current = await reader(hub, current.id === id ? id : current.id, { topics })
        expect(current.status).toBe(200)
      }
      const end = (await hub.publish({ data: 'END' })).id
      await until(() => current.events.some(({ id }) => id === end))
      got.push(...current.events)
      const expected = written.filter((text, index) => index >= start && wanted(text.split(' ')[1] ?? ''))
      const found = data(got).filter((text) => text !== 'END')
      expect(got.filter(({ type }) => type === 'gap')).toEqual([])
      expect(found).toEqual(expected)
      return found.length
    }
    const readers = [log(['a']), log(['b']), log(['a', 'b', 'c']), log(['c']), log(['b', 'c'])]
    await until(() => hub.size === 5)
    for (let n = 0; n < 400; n++) {
      // Several in flight, but in this order in the log.
      const topic = 'abc'[n % 3] as string
      written.push(`${n} ${topic}`)
      await hub.publish({ data: `${n} ${topic}` }, { topic })
    }
    publishing = false
    const counts = await Promise.all(readers)
    expect(Math.min(...counts)).toBeGreaterThan(100)
  }, 30_000)

  test('heavy publishing does not keep a reader from ever becoming live', async () => {
    const hub = hubOf({ log: lateLog(memoryLog({ count: 100_000 })) })
    const { id } = await hub.publish({ data: '0' })
    let n = 0
    const timer = setInterval(() => {
      for (let i = 0; i < 5; i++) void hub.publish({ data: `${++n}` })
    }, 1)
    after(() => clearInterval(timer))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const resumed = await reader(hub, id)
    await until(() => hub.stats().states.live === 1)
    clearInterval(timer)
    await hub.publish({ data: 'END' })
    await resumed.until(n + 1)
    const offsets = resumed.events.map((event) => Number(event.id.split('.')[1]))
    expect(offsets).toEqual(offsets.map((_, index) => index + 2))
  }, 20_000)
})

describe('with a log that goes wrong', () => {
  /** A log whose live deliveries the test makes itself. */
  function handmade(memory = memoryLog()) {
    let follower: Follower
    const entries: Entry[] = []
    const log = remoteLog(memory, {
      async follow(hear) {
        follower = hear
        return memory.follow({ entries: (some) => void entries.push(...some), end() {}, error() {} })
      },
    })
    return {
      log,
      entries,
      memory,
      deliver: (...which: number[]) => which.forEach((n) => void follower.entries([entries[n] as Entry])),
    }
  }

  test('a delivery that was lost on the way is read from the log', async () => {
    const { log, deliver } = handmade()
    const hub = hubOf({ log })
    const live = await reader(hub)
    for (const n of numbers(1, 5)) await hub.publish({ data: n })
    deliver(0, 3)
    await live.until(4)
    deliver(4)
    await live.until(5)
    expect(data(live.events)).toEqual(numbers(1, 5))
  })

  test('deliveries that come twice are sent once', async () => {
    const { log, deliver } = handmade()
    const hub = hubOf({ log })
    const live = await reader(hub)
    for (const n of numbers(1, 3)) await hub.publish({ data: n })
    deliver(0, 0, 1, 0, 1, 2, 2)
    await live.until(3)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(data(live.events)).toEqual(numbers(1, 3))
  })

  test('a hole that the log cannot fill is told to everyone as a gap', async () => {
    const { log, deliver } = handmade(memoryLog({ count: 2 }))
    const onGap = vi.fn()
    const hub = hubOf({ log, onGap })
    const readers = [await reader(hub), await reader(hub, '', { topics: ['quiet'] })]
    for (const n of numbers(1, 10)) await hub.publish({ data: n })
    deliver(0)
    await Promise.all(readers.map((each) => each.until(1)))
    deliver(9)
    for (const each of readers) {
      await until(() => each.events.some(({ type }) => type === 'gap'))
      expect(each.events.map(({ type }) => type)).toEqual(['message', 'gap'])
    }
    expect(onGap).toHaveBeenCalledTimes(2)
    await hub.publish({ data: 'live' })
    deliver(10)
    await Promise.all(readers.map((each) => each.until(3)))
  })

  test('a log that was lost is a gap for everyone, in its new epoch', async () => {
    let memory = memoryLog()
    let follower: Follower | undefined
    const attach = () => memory.follow({ entries: (entries) => follower?.entries(entries), end() {}, error() {} })
    const log: Log = {
      ...remoteLog(),
      append: (message, options) => memory.append(message, options),
      follow(hear) {
        follower = hear
        return attach()
      },
      read: (position, limit) => memory.read(position, limit),
      bounds: () => memory.bounds(),
    }
    const hub = hubOf({ log })
    const live = await reader(hub)
    await hub.publish({ data: '1' })
    await live.until(1)
    memory = memoryLog()
    await attach()
    // One that returns before the new log has an entry is told at once.
    const returned = await reader(hub, live.id)
    await returned.until(1)
    expect(returned.events[0]?.type).toBe('gap')
    await hub.publish({ data: '2' })
    await until(() => data(live.events).includes('2') && data(returned.events).includes('2'))
    expect(live.events.map(({ type, data }) => (type === 'gap' ? type : data))).toEqual(['1', 'gap', '2'])
    expect(returned.events.map(({ type, data }) => (type === 'gap' ? type : data))).toEqual(['gap', '2'])
  })

  test('readers are sent away with 503 while the log does not answer, and taken when it does again', async () => {
    const memory = memoryLog()
    let broken = true
    const onError = vi.fn()
    const hub = hubOf({
      onError,
      log: remoteLog(memory, {
        follow(follower, after) {
          if (broken) throw new Error('no connection')
          return memory.follow(follower, after)
        },
      }),
    })
    expect((await reader(hub)).status).toBe(503)
    expect(hub.size).toBe(0)
    broken = false
    expect((await reader(hub)).status).toBe(200)
    expect(onError).toHaveBeenCalledTimes(1)
  })

  test('a reader whose log breaks while it is replayed is ended, to return', async () => {
    const memory = memoryLog()
    let reads = 0
    const reasons: string[] = []
    const hub = hubOf({
      onError: () => {},
      onDisconnect: (_, reason) => void reasons.push(reason),
      log: remoteLog(memory, {
        async read(position, limit) {
          if (++reads > 2) throw new Error('gone')
          return memory.read(position, Math.min(limit, 2))
        },
      }),
    })
    const { id } = await hub.publish({ data: '0' })
    for (const n of numbers(1, 5)) await hub.publish({ data: n })
    const resumed = await reader(hub, id)
    await resumed.reading
    expect(data(resumed.events)).toEqual(['1', '2', '3'])
    expect(reasons).toEqual(['failed'])
  })

  test('a publish that the log rejects is rejected, and one that nobody awaits goes to onError', async () => {
    const onError = vi.fn()
    const hub = hubOf({
      onError,
      log: remoteLog(memoryLog(), { append: async () => Promise.reject(new Error('full')) }),
    })
    await expect(hub.publish({ data: '1' })).rejects.toThrow('full')
    void hub.publish({ data: '2' })
    await until(() => onError.mock.calls.length === 2)
  })
})

test('a replay goes at the pace of its reader, and is not taken for slowness', async () => {
  const hub = hubOf({ history: 2000, maxQueued: 20_000 })
  const { id } = await hub.publish({ data: 'start' })
  for (let n = 0; n < 1000; n++) await hub.publish({ data: 'x'.repeat(1000) })
  const response = await hub.fetch(new Request('http://a/', { headers: { 'last-event-id': id } }))
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(hub.size).toBe(1)
  const [subscriber] = hub.subscribers()
  // Not the history, and not even a page of it.
  expect(subscriber?.queued).toBeLessThan(200_000)
  const body = (response.body as ReadableStream<Uint8Array>).getReader()
  let length = 0
  while (length < 1_020_000) length += (await body.read()).value?.length ?? 0
  await until(() => subscriber?.state === 'live')
  await body.cancel()
})
