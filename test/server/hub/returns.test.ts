import { describe, expect, test } from 'vitest'
import { createHub, type Hub, type HubOptions, type Subscriber } from '../../../src/server/index.ts'
import { after, until } from '../serve.ts'
import { type WebReader, webReader } from './web-reader.ts'

function hubOf(options: HubOptions = {}): Hub {
  const hub = createHub({ heartbeat: 0, ...options })
  after(() => hub.close({ within: 0 }))
  return hub
}

const data = ({ events }: WebReader) => events.map(({ type, data }) => (type === 'gap' ? 'gap' : data))
const reasons = ({ events }: WebReader) =>
  events.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data).reason)
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** What a reader has after a marker that everyone gets. */
async function all(hub: Hub, reader: WebReader): Promise<string[]> {
  await hub.publish({ data: 'END' })
  await reader.until(() => data(reader).includes('END'))
  return data(reader).filter((text) => text !== 'END')
}

describe('a reader that is sent only what is its own', () => {
  test('is given the hub’s place all the same: the log outgrows it in no silence, and it is told no false gap', async () => {
    const hub = hubOf({ heartbeat: 60, history: 5 })
    const reader = await webReader(hub, { subscription: { topics: ['quiet'] } })
    let sent = 0
    // Never silent for as long as a heartbeat: what is sent past the log leaves it with no place.
    const sending = setInterval(() => void reader.subscriber.send({ data: `own ${sent++}` }), 10)
    after(() => clearInterval(sending))
    for (let n = 0; n < 20; n++) await hub.publish({ data: n }, { topic: 'loud' })
    const { id } = await hub.publish({ data: 'last' }, { topic: 'loud' })
    await until(() => reader.id === id)
    clearInterval(sending)
    expect(sent).toBeGreaterThan(3)
    await reader.cut()
    const again = await webReader(hub, { lastEventId: reader.id, subscription: { topics: ['quiet'] } })
    expect(again.begins).toBe(id)
    expect(await all(hub, again)).toEqual([])
  })
})

describe('what was published to a reader alone, or to a topic that it followed later', () => {
  test('is told as a gap for the reason `client` to the next connection, which is another one', async () => {
    const hub = hubOf()
    const reader = await webReader(hub, { subscription: { user: 'anna' } })
    await hub.publish({ data: 'seen' })
    await reader.until(() => data(reader).includes('seen'))
    const { id } = reader.subscriber
    await reader.cut()
    await hub.publish({ data: 'for it alone' }, { client: id })
    const again = await webReader(hub, { lastEventId: reader.id, subscription: { user: 'anna' } })
    expect(await all(hub, again)).toEqual(['gap'])
    expect(reasons(again)).toEqual(['client'])

    again.subscriber.subscribe('room')
    await hub.publish({ data: 'in the room' }, { topic: 'room' })
    await again.until(() => data(again).includes('in the room'))
    await again.cut()
    await hub.publish({ data: 'missed' }, { topic: 'room' })
    const third = await webReader(hub, { lastEventId: again.id, subscription: { user: 'anna' } })
    await third.until(() => data(third).includes('gap'))
    expect(reasons(third)).toEqual(['client'])
  })

  test('is told to nobody where nothing of it was published meanwhile', async () => {
    const hub = hubOf()
    const reader = await webReader(hub)
    reader.subscriber.subscribe('room')
    const { id } = await hub.publish({ data: 'seen' }, { topic: 'room' })
    await until(() => reader.id === id)
    await reader.cut()
    await hub.publish({ data: 'for everyone' })
    const again = await webReader(hub, { lastEventId: reader.id })
    expect(await all(hub, again)).toEqual(['for everyone'])
  })

  test('is told to the user whose connection it was, not to another with the same id', async () => {
    const hub = hubOf()
    const anna = await webReader(hub, { subscription: { user: 'anna' } })
    const { id } = await hub.publish({ data: 'seen' })
    await until(() => anna.id === id)
    await anna.cut()
    await hub.publish({ data: 'secret' }, { client: anna.subscriber.id })
    const ben = await webReader(hub, { lastEventId: id, subscription: { user: 'ben' } })
    expect(await all(hub, ben)).toEqual([])
    const again = await webReader(hub, { lastEventId: id, subscription: { user: 'anna' } })
    await again.until(() => data(again).includes('gap'))
    expect(reasons(again)).toEqual(['client'])
  })

  test('is replayed to a connection of the same name, with the topics that it followed', async () => {
    const hub = hubOf()
    const subscription = { user: 'anna', client: 'tab-1' }
    const reader = await webReader(hub, { subscription })
    reader.subscriber.subscribe('room')
    const { id } = await hub.publish({ data: 'seen' }, { topic: 'room' })
    await until(() => reader.id === id)
    await reader.cut()
    await hub.publish({ data: 'alone' }, { client: 'tab-1' })
    await hub.publish({ data: 'room' }, { topic: 'room' })
    await hub.publish({ data: 'another room' }, { topic: 'other' })
    const again = await webReader(hub, { lastEventId: reader.id, subscription })
    expect(await all(hub, again)).toEqual(['alone', 'room'])
    expect(again.subscriber.topics).toEqual(['room'])
  })
})

describe('an id of the application’s own', () => {
  test.each([' 7', '7 ', '\t7', '7\t', ' '])(
    'with a blank at an end is refused: %j would return as another',
    async (id) => {
      const hub = hubOf({ onError() {} })
      await expect(hub.publish({ id, data: 1 })).rejects.toMatchObject({ code: 'invalid-option' })
      const reader = await webReader(hub)
      expect(await all(hub, reader)).toEqual([])
    },
  )

  test('can be resumed after though its event is older than `age`, where nothing came since', async () => {
    const hub = hubOf({ history: { age: 60 } })
    const reader = await webReader(hub)
    await hub.publish({ id: 'mine', data: 'old' })
    await until(() => reader.id === 'mine')
    await reader.cut()
    await pause(150)
    const again = await webReader(hub, { lastEventId: 'mine' })
    expect(again.begins).toBe('mine')
    expect(await all(hub, again)).toEqual([])
  })
})

describe('a hook that a reader waits for', () => {
  test('onConnect that rejects ends its reader as failed, without a live event, and onError is told', async () => {
    const told: unknown[] = []
    const reasons: string[] = []
    const hub = hubOf({
      onConnect: async () => {
        throw new Error('no snapshot')
      },
      onDisconnect: (_, reason) => void reasons.push(reason),
      onError: (error) => void told.push(error),
    })
    const reader = await webReader(hub)
    void hub.publish({ data: 'live' })
    await reader.over
    expect(data(reader)).toEqual([])
    expect(reasons).toEqual(['failed'])
    expect(told).toEqual([new Error('no snapshot')])
  })

  test.each(['onConnect', 'onGap'] as const)(
    '%s that never settles is given `hookTimeout`, then its reader is ended',
    async (name) => {
      const told: unknown[] = []
      const reasons: string[] = []
      const hub = hubOf({
        [name]: () => new Promise<void>(() => {}),
        hookTimeout: 80,
        onDisconnect: (_, reason) => void reasons.push(reason),
        onError: (error) => void told.push(error),
      })
      const start = performance.now()
      const reader = await webReader(hub, { lastEventId: 'long gone' })
      await hub.publish({ data: 'live' })
      await reader.over
      expect(performance.now() - start).toBeGreaterThan(70)
      expect(data(reader).filter((text) => text === 'live')).toEqual([])
      expect(reasons).toEqual(['failed'])
      expect(told).toEqual([expect.objectContaining({ code: 'timeout', message: expect.stringContaining(name) })])
      expect(hub.size).toBe(0)
    },
  )
})

describe('a reader that comes for the first time', () => {
  const fill = async (hub: Hub) => {
    for (let n = 1; n <= 10; n++) await hub.publish({ data: n }, { topic: n % 2 ? 'odd' : 'even' })
  }

  test('is given the `last` events that are its to see, then live, and none twice', async () => {
    const hub = hubOf()
    await webReader(hub)
    await fill(hub)
    const filtered = await webReader(hub, {
      subscription: { patterns: ['*'], last: 2, filter: ({ data }) => data === 'END' || (data as number) < 5 },
    })
    expect(await all(hub, filtered)).toEqual(['3', '4'])
    const reader = await webReader(hub, { subscription: { topics: ['odd'], last: 4 } })
    expect(await all(hub, reader)).toEqual(['5', '7', '9'])
    const greedy = await webReader(hub, { subscription: { topics: ['even'], last: 1000 } })
    expect((await all(hub, greedy)).slice(0, 5)).toEqual(['2', '4', '6', '8', '10'])
  })

  test('is given all `since` a moment, as many as the log has, and with `last` the newest of them', async () => {
    const hub = hubOf()
    await webReader(hub)
    await hub.publish({ data: 'before' })
    await pause(30)
    const moment = new Date()
    await fill(hub)
    const everything = { patterns: ['*'] }
    const numbers = Array.from({ length: 10 }, (_, n) => `${n + 1}`)
    const reader = await webReader(hub, { subscription: { ...everything, since: moment } })
    expect(await all(hub, reader)).toEqual(numbers)
    const older = await webReader(hub, { subscription: { ...everything, since: 0, last: 3 } })
    expect(await all(hub, older)).toEqual(['9', '10'])
    const later = await webReader(hub, { subscription: { ...everything, since: Date.now() + 60_000 } })
    expect(await all(hub, later)).toEqual([])
  })

  test('but one that resumes is given what it missed, whatever `last` and `since` say', async () => {
    const hub = hubOf()
    const reader = await webReader(hub, { subscription: { patterns: ['*'] } })
    await fill(hub)
    await reader.until((events) => events.length === 10)
    await reader.cut()
    await hub.publish({ data: 11 })
    const again = await webReader(hub, { lastEventId: reader.id, subscription: { patterns: ['*'], last: 5, since: 0 } })
    expect(await all(hub, again)).toEqual(['11'])
  })
})

test('a replay of what is not for its readers leaves the event loop to others: no turn is long', async () => {
  const hub = hubOf({ history: 100_000 })
  const first = await webReader(hub)
  await until(() => first.id !== '')
  const begin = first.id
  await first.cut()
  for (let n = 0; n < 100_000; n++) void hub.publish({ data: n }, { topic: 'busy' })
  await hub.publish({ data: 'last' }, { topic: 'busy' })
  const filter = ({ data }: { data: unknown }) => data === 'nothing'
  // By the processor's clock: another process on the same core is no turn of ours.
  let longest = 0
  let before = process.cpuUsage()
  let watching = true
  const watch = () => {
    const { user, system } = process.cpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.cpuUsage()
    if (watching) setImmediate(watch)
  }
  setImmediate(watch)
  const readers = await Promise.all(
    Array.from({ length: 100 }, () => webReaderAt(hub, begin, { topics: ['quiet'], filter })),
  )
  await until(() => hub.stats().states.live === readers.length, 60_000)
  watching = false
  // Each piece of work takes some 8 ms, and garbage is collected by threads that count as well; in one turn it is a second.
  expect(longest).toBeLessThan(200)
}, 60_000)

function webReaderAt(hub: Hub, lastEventId: string, subscription: object): Promise<WebReader> {
  return webReader(hub, { lastEventId, subscription })
}

test('of what was published while it was away, a reader that leaves again before it has it misses nothing', async () => {
  const hub = hubOf({ maxQueued: 2 ** 20 })
  const reader = await webReader(hub)
  await hub.publish({ data: 'first' })
  await reader.until((events) => events.length === 1)
  await reader.cut()
  for (let n = 0; n < 500; n++) await hub.publish({ data: `${n} ${'x'.repeat(500)}` })
  const got: string[] = []
  let id = reader.id
  let subscriber: Subscriber | undefined
  for (let times = 0; got.length < 500 && times < 1000; times++) {
    const again = await webReader(hub, { lastEventId: id })
    subscriber = again.subscriber
    await again.until((events) => events.length > 0)
    await again.cut()
    got.push(...data(again).map((text) => text.split(' ')[0] as string))
    id = again.id
  }
  expect(subscriber?.open).toBe(false)
  expect(got).toEqual(Array.from({ length: 500 }, (_, n) => `${n}`))
})
