import { afterEach, describe, expect, test, vi } from 'vitest'
import { logOf, readPlaces, signOf } from '../../../src/server/hub/places.ts'
import {
  createHub,
  createPublisher,
  type Gap,
  type Hub,
  type HubOptions,
  type Log,
  memoryLogs,
  type Subscription,
} from '../../../src/server/index.ts'
import { remoteLog } from '../logs.ts'
import { after } from '../serve.ts'
import { type WebReader, webReader } from './web-reader.ts'

// Several logs: topics are spread over them, and an id names a place in each that its reader follows.

afterEach(() => {
  vi.useRealTimers()
})

const COUNT = 8

/** The names of so many topics, each in another log, and none in the first. */
const [A, B, C] = [1, 2, 3].map(
  (index) =>
    Array.from({ length: 100 }, (_, n) => `topic ${n}`).find((topic) => logOf(topic, COUNT) === index) as string,
) as [string, string, string]

function logsOf(count = COUNT, options: { count?: number } = {}): Log[] {
  const logs = memoryLogs()
  after(() => logs.close())
  return Array.from({ length: count }, (_, index) => logs.open(`events ${index}`, options))
}

function hubOf(log: readonly Log[], options: HubOptions = {}): Hub {
  const hub = createHub({ heartbeat: 0, log, ...options })
  after(() => hub.close({ within: 0 }))
  return hub
}

const read = (hub: Hub, topics: readonly string[], lastEventId = '', more: Subscription = {}): Promise<WebReader> =>
  webReader(hub, { lastEventId, subscription: { topics, ...more } })

const dataOf = ({ events }: WebReader) => events.filter(({ type }) => type === 'message').map(({ data }) => data)
const gapsOf = ({ events }: WebReader): Gap[] =>
  events.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data))
const has = (reader: WebReader, count: number) => reader.until(() => dataOf(reader).length >= count)
const sign = signOf(logsOf().map(({ name }) => name))
const placesOf = (id: string) => [...(readPlaces(sign, id) ?? new Map())].map(([index, { offset }]) => [index, offset])

describe('a hub of several logs', () => {
  test('gives readers of any topics what is theirs, once, and in order for each topic', async () => {
    const hub = hubOf(logsOf())
    const readers = await Promise.all([[A], [A, B], [A, B, C], []].map((topics) => read(hub, topics)))
    for (let n = 0; n < 30; n++) {
      await hub.publish({ data: `${n % 3}${n}` }, { topic: [A, B, C][n % 3] as string })
    }
    await hub.publish({ data: 'all' })
    const [a, ab, abc, none] = readers as [WebReader, WebReader, WebReader, WebReader]
    for (const reader of readers) await reader.until(() => dataOf(reader).includes('all'))
    const numbers = Array.from({ length: 30 }, (_, n) => `${n % 3}${n}`)
    expect(dataOf(a)).toEqual([...numbers.filter((n) => n.startsWith('0')), 'all'])
    expect(dataOf(ab)).toEqual([...numbers.filter((n) => !n.startsWith('2')), 'all'])
    expect(dataOf(abc)).toEqual([...numbers, 'all'])
    expect(dataOf(none)).toEqual(['all'])
  })

  test('resumes each log after its own place, in another process, too', async () => {
    const logs = logsOf()
    const [one, two] = [hubOf(logs), hubOf(logs)]
    const first = await read(one, [A, B])
    await one.publish({ data: 'a1' }, { topic: A })
    await two.publish({ data: 'b1' }, { topic: B })
    await has(first, 2)
    await first.cut()
    await one.publish({ data: 'b2' }, { topic: B })
    await one.publish({ data: 'a2' }, { topic: A })
    await one.publish({ data: 'all' })
    await one.publish({ data: 'c1' }, { topic: C })
    const second = await read(two, [A, B], first.id)
    await has(second, 3)
    expect(dataOf(second).sort()).toEqual(['a2', 'all', 'b2'])
    expect(second.begins).toBe(first.id)
    await second.cut()
    const third = await read(one, [A, B], second.id)
    await one.publish({ data: 'last' }, { topic: A })
    await has(third, 1)
    expect(dataOf(third)).toEqual(['last'])
  })

  test('names in an id the logs that its reader follows, and no others', async () => {
    const hub = hubOf(logsOf())
    const [a, ab] = [await read(hub, [A]), await read(hub, [A, B])]
    await hub.publish({ data: 'x' }, { topic: A })
    await hub.publish({ data: 'y' }, { topic: A })
    await Promise.all([has(a, 2), has(ab, 2)])
    expect([placesOf(a.id), placesOf(ab.id)]).toEqual([
      [[0, 0], [1, 2]],
      [[0, 0], [1, 2], [2, 0]],
    ]) // biome-ignore format: a place each
  })

  test('reads only the logs that it has readers for, and lets go of one a minute after the last has left', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const followed: string[] = []
    const logs = logsOf().map((log) =>
      remoteLog(log, {
        follow: (follower, from) => {
          followed.push(`+${log.name}`)
          const following = log.follow(follower, from) as { epoch: string; offset: number; close(): void }
          return {
            epoch: following.epoch,
            offset: following.offset,
            close: () => {
              followed.push(`-${log.name}`)
              following.close()
            },
          }
        },
      }),
    )
    const hub = hubOf(logs)
    expect(followed).toEqual([])
    const one = await read(hub, [A])
    expect(followed).toEqual(['+events 0', '+events 1'])
    await one.cut()
    vi.advanceTimersByTime(50_000)
    const two = await read(hub, [A, B])
    expect(followed).toEqual(['+events 0', '+events 1', '+events 2'])
    vi.advanceTimersByTime(90_000)
    await two.cut()
    vi.advanceTimersByTime(59_000)
    expect(followed).toHaveLength(3)
    vi.advanceTimersByTime(2000)
    expect(followed.slice(3).sort()).toEqual(['-events 1', '-events 2'])
    const three = await read(hub, [A], two.id)
    await hub.publish({ data: 'x' }, { topic: A })
    await has(three, 1)
    expect(followed.slice(5)).toEqual(['+events 1'])
    await hub.close({ within: 0 })
    expect(followed.filter((one) => one.startsWith('+'))).toHaveLength(4)
    expect(followed.filter((one) => one.startsWith('-'))).toHaveLength(4)
  })

  test('tells a gap for the log that lost something, and gives all that the others have', async () => {
    const hub = hubOf(logsOf(COUNT, { count: 5 }))
    const first = await read(hub, [A, B])
    await hub.publish({ data: 'a' }, { topic: A })
    await has(first, 1)
    await first.cut()
    for (let n = 0; n < 10; n++) await hub.publish({ data: `a${n}` }, { topic: A })
    await hub.publish({ data: 'b' }, { topic: B })
    const second = await read(hub, [A, B], first.id)
    await has(second, 1)
    const [gap] = gapsOf(second) as [Gap]
    expect(dataOf(second)).toEqual(['b'])
    expect(gapsOf(second)).toHaveLength(1)
    expect(gap).toMatchObject({ reason: 'trimmed', asked: first.id })
    expect(placesOf(gap.oldest)).toEqual([[0, 0], [1, 7], [2, 0]]) // biome-ignore format: a place each
    expect(placesOf(gap.newest)).toEqual([[0, 0], [1, 11], [2, 0]]) // biome-ignore format: a place each
    // What follows it is after the gap, and before what the others have.
    await second.cut()
    const third = await read(hub, [A, B], gap.newest)
    await has(third, 1)
    expect([dataOf(third), gapsOf(third)]).toEqual([['b'], []])
  })

  test('tells one gap after the other where several logs lost something', async () => {
    const hub = hubOf(logsOf(COUNT, { count: 5 }))
    const first = await read(hub, [A, B])
    await hub.publish({ data: 'a' }, { topic: A })
    await hub.publish({ data: 'b' }, { topic: B })
    await has(first, 2)
    await first.cut()
    for (let n = 0; n < 10; n++) for (const topic of [A, B]) await hub.publish({ data: `${n}` }, { topic })
    const second = await read(hub, [A, B], first.id)
    await second.until((events) => events.length === 2)
    // The second is of a reader that has been told the first.
    expect(gapsOf(second).map(({ newest }) => placesOf(newest).slice(1))).toEqual([
      [
        [1, 11],
        [2, 1],
      ],
      [
        [1, 11],
        [2, 11],
      ],
    ])
    expect(second.events.map(({ id }) => id)).toEqual(gapsOf(second).map(({ newest }) => newest))
    expect(second.begins).toBe(second.id)
  })

  test('tells the gap again to whoever is cut off before it was told', async () => {
    let told = (): void => {}
    const hub = hubOf(logsOf(COUNT, { count: 5 }), {
      onGap: () => new Promise<void>((resolve) => (told = resolve)),
    })
    const first = await read(hub, [A, B])
    await hub.publish({ data: 'a' }, { topic: A })
    await has(first, 1)
    await first.cut()
    for (let n = 0; n < 10; n++) await hub.publish({ data: `a${n}` }, { topic: A })
    const second = await read(hub, [A, B], first.id)
    await second.until((events) => events.length > 0)
    await hub.publish({ data: 'b' }, { topic: B })
    await second.cut()
    expect(second.id).toBe(first.id)
    told()
    const third = await read(hub, [A, B], second.id)
    await third.until((events) => events.length > 0)
    told()
    await has(third, 1)
    expect([gapsOf(third).length, dataOf(third)]).toEqual([1, ['b']])
  })

  test.each([
    ['of one log', 'mh3k2l1xabcdef.17'],
    ['of other logs', `${signOf(['a', 'b'])}.0.x.1`],
    ['of nobody', 'hello'],
  ])('tells one gap for all of them to a reader with an id %s', async (_, id) => {
    const hub = hubOf(logsOf())
    await hub.publish({ data: 'before' }, { topic: A })
    const reader = await read(hub, [A, B], id)
    await hub.publish({ data: 'after' }, { topic: A })
    await has(reader, 1)
    expect([dataOf(reader), gapsOf(reader)]).toEqual([
      ['after'],
      [expect.objectContaining({ reason: 'unknown', asked: id })],
    ])
    expect(placesOf(gapsOf(reader)[0]?.newest as string)).toEqual([[0, 0], [1, 1], [2, 0]]) // biome-ignore format: a place each
  })

  test('gives a newcomer the newest of all that it follows, or all since a moment', async () => {
    const hub = hubOf(logsOf())
    const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
    for (let n = 0; n < 6; n++) {
      await hub.publish({ data: `${n}` }, { topic: [A, B, C][n % 3] as string })
      await pause()
    }
    const moment = Date.now()
    await pause()
    for (let n = 6; n < 9; n++) await hub.publish({ data: `${n}` }, { topic: [A, B, C][n % 3] as string })
    const last = await read(hub, [A, B], '', { last: 3 })
    await has(last, 3)
    expect(dataOf(last).sort()).toEqual(['4', '6', '7'])
    const since = await read(hub, [A, B, C], '', { since: moment })
    await has(since, 3)
    expect(dataOf(since).sort()).toEqual(['6', '7', '8'])
  })

  test('shows a reader of a pattern the topics of all logs', async () => {
    const hub = hubOf(logsOf())
    const reader = await read(hub, [], '', { patterns: ['news/*'] })
    for (let n = 0; n < 40; n++) await hub.publish({ data: `${n}` }, { topic: `news/${n}` })
    await has(reader, 40)
    expect(dataOf(reader)).toEqual(Array.from({ length: 40 }, (_, n) => `${n}`))
    expect(placesOf(reader.id)).toHaveLength(COUNT)
  })

  test('brings a topic that is followed later from the next event on, and its log leaves the id with the topic', async () => {
    const hub = hubOf(logsOf())
    const reader = await read(hub, [A])
    await hub.publish({ data: 'no' }, { topic: B })
    reader.subscriber.subscribe(B)
    await hub.publish({ data: 'yes' }, { topic: B })
    await has(reader, 1)
    expect(placesOf(reader.id)).toEqual([[0, 0], [1, 0], [2, 2]]) // biome-ignore format: a place each
    reader.subscriber.unsubscribe(B)
    await hub.publish({ data: 'no' }, { topic: B })
    await hub.publish({ data: 'a' }, { topic: A })
    await has(reader, 2)
    expect(dataOf(reader)).toEqual(['yes', 'a'])
    expect(placesOf(reader.id)).toEqual([[0, 0], [1, 1]]) // biome-ignore format: a place each
  })

  test('keeps what is followed later behind the snapshot that comes first', async () => {
    let go = (): void => {}
    const hub = hubOf(logsOf(), {
      onConnect: async (subscriber) => {
        subscriber.subscribe(B)
        await new Promise<void>((resolve) => (go = resolve))
        await subscriber.send({ data: 'snapshot' })
      },
    })
    const reader = await read(hub, [A])
    await hub.publish({ data: 'b' }, { topic: B })
    await hub.publish({ data: 'a' }, { topic: A })
    go()
    await has(reader, 3)
    expect(dataOf(reader)[0]).toBe('snapshot')
    expect(dataOf(reader).sort()).toEqual(['a', 'b', 'snapshot'])
  })

  test('gives an event for several topics once, whichever of them are followed', async () => {
    const hub = hubOf(logsOf())
    const readers = await Promise.all([[A], [B], [A, B], [C]].map((topics) => read(hub, topics)))
    await hub.publish({ data: 'both' }, { topics: [A, B] })
    await hub.publish({ data: 'all' })
    for (const reader of readers) await reader.until(() => dataOf(reader).includes('all'))
    expect(readers.map(dataOf)).toEqual([['both', 'all'], ['both', 'all'], ['both', 'all'], ['all']])
  })

  test('brings what is for a user or a client wherever they are', async () => {
    const logs = logsOf()
    const [one, two] = [hubOf(logs), hubOf(logs)]
    const ann = await read(one, [A], '', { user: 'ann', client: 'desk' })
    await two.publish({ data: '1' }, { user: 'ann' })
    await two.publish({ data: 'no' }, { user: 'ben' })
    await two.publish({ data: '2' }, { client: 'desk' })
    await two.publish({ data: '3' }, { topic: A, user: 'ann' })
    await two.publish({ data: 'no' }, { topic: A, except: 'desk' })
    await has(ann, 3)
    expect(dataOf(ann).sort()).toEqual(['1', '2', '3'])
  })

  test('tells those who only hear of other things where they are, in all logs', async () => {
    const hub = hubOf(logsOf(), { heartbeat: 30 })
    const reader = await read(hub, [A, B], '', { filter: () => false })
    for (let n = 0; n < 7; n++) await hub.publish({ data: 'x' }, { topic: B })
    await vi.waitFor(() => expect(placesOf(reader.id)).toEqual([[0, 0], [1, 0], [2, 7]])) // biome-ignore format: a place each
  })

  test('tells of what a policy dropped by ids that can be resumed from', async () => {
    const hub = hubOf(logsOf(), { slow: 'drop-oldest', maxQueued: 3000 })
    const reader = await read(hub, [A, B])
    reader.pause()
    for (let n = 0; n < 400; n++) await hub.publish({ data: `${n} ${'x'.repeat(200)}` }, { topic: n % 2 ? A : B })
    reader.resume()
    const full = [
      [0, 0],
      [1, 200],
      [2, 200],
    ]
    await vi.waitFor(() => expect(placesOf(reader.id)).toEqual(full))
    const gaps = gapsOf(reader)
    expect(gaps.length).toBeGreaterThan(0)
    for (const { reason, asked, newest } of gaps) {
      expect(reason).toBe('slow')
      // From either side of the gap all is there, in each log.
      for (const id of [asked, newest]) {
        const left = placesOf(id).reduce((sum, [index, offset]) => sum + (index ? 200 - offset : 0), 0)
        const again = await read(hub, [A, B], id)
        await vi.waitFor(() => expect(placesOf(again.id)).toEqual(full))
        expect([dataOf(again).length, gapsOf(again)]).toEqual([left, []])
        await again.cut()
      }
    }
  })

  test('ends the readers of a log that is sealed, and no others', async () => {
    const logs = logsOf()
    const hub = hubOf(logs)
    const [a, b] = [await read(hub, [A]), await read(hub, [B])]
    await (logs[1] as Log).seal()
    await a.over
    await hub.publish({ data: 'b' }, { topic: B })
    await has(b, 1)
  })

  test('closes none of them', async () => {
    const logs = logsOf()
    const hub = hubOf(logs)
    await read(hub, [A])
    await hub.close({ within: 0 })
    await expect(Promise.resolve((logs[1] as Log).bounds())).resolves.toMatchObject({ sealed: false })
  })

  test('has publishers elsewhere that put events where it looks for them', async () => {
    const logs = logsOf()
    const hub = hubOf(logs)
    const reader = await read(hub, [A, B])
    const publisher = createPublisher(logs)
    const { id } = await publisher.publish({ data: 'a' }, { topic: A })
    await publisher.publish({ data: 'all' })
    await has(reader, 2)
    expect(placesOf(id)).toEqual([[1, 1]])
  })

  test('refuses an id of the application’s own, which it could not find again', async () => {
    const hub = hubOf(logsOf(), { onError: () => {} })
    await expect(hub.publish({ id: 'mine', data: '' }, { topic: A })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test.each([
    ['none', []],
    ['two of one name', [memoryLogs().open('a'), memoryLogs().open('a')]],
    ['something else', [memoryLogs().open('a'), {}]],
    ['65', logsOf(65)],
  ])('refuses to be made of %s', (_, log) => {
    const invalid = expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringContaining('a log, such as'),
    })
    expect(() => createHub({ log: log as Log[] })).toThrow(invalid)
    expect(() => createPublisher(log as Log[])).toThrow(invalid)
  })

  test('says in its statistics where all that was told is', async () => {
    const hub = hubOf(logsOf())
    expect(hub.stats().newest).toBeUndefined()
    await read(hub, [A])
    await hub.publish({ data: '' }, { topic: A })
    expect(placesOf(hub.stats().newest as string)).toEqual([[0, 0], [1, 1]]) // biome-ignore format: a place each
  })
})
