import { describe, expect, test, vi } from 'vitest'
import { createHub, type Entry, type Follower, type Hub, type HubOptions, type Log } from '../../../src/server/index.ts'
import { memoryLog, remoteLog } from '../logs.ts'
import { after, until } from '../serve.ts'
import { type WebReader, webReader } from './web-reader.ts'

function hubOf(options: HubOptions): Hub {
  const hub = createHub({ heartbeat: 0, ...options })
  after(() => hub.close({ within: 0 }))
  return hub
}

/** A log elsewhere whose deliveries the test lets through, and whose reads it sees. */
function handmade(memory = memoryLog(), replaced: Partial<Log> = {}) {
  let follower: Follower | undefined
  const entries: Entry[] = []
  const reads: number[] = []
  const plain = remoteLog(memory)
  const log = remoteLog(memory, {
    async follow(hear) {
      follower = hear
      return memory.follow({ entries: (some) => void entries.push(...some), end() {}, error() {} })
    },
    async read(after, limit) {
      reads.push(after.offset)
      return plain.read(after, limit)
    },
    ...replaced,
  })
  const deliver = (...which: number[]) => follower?.entries(which.map((n) => entries[n - 1] as Entry))
  return { log, deliver, reads, entries }
}

const data = ({ events }: WebReader) => events.map(({ type, data }) => (type === 'gap' ? 'gap' : data))
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`)
const fill = async (hub: Hub, from: number, to: number) => {
  for (const n of numbers(from, to)) await hub.publish({ data: n })
}

describe('a feed', () => {
  test('reads a hole once for all, however many readers there are', async () => {
    const { log, deliver, reads } = handmade()
    const hub = hubOf({ log })
    const readers = []
    for (let n = 0; n < 50; n++) readers.push(await webReader(hub))
    await until(() => hub.stats().states.live === 50)
    await fill(hub, 1, 20)
    deliver(1, 20)
    await Promise.all(readers.map((reader) => reader.until(() => data(reader).includes('20'))))
    for (const reader of readers) expect(data(reader)).toEqual(numbers(1, 20))
    expect(reads.length).toBeLessThanOrEqual(2)
  })

  test('goes on in order while it reads a hole and more comes', async () => {
    const { log, deliver } = handmade()
    const hub = hubOf({ log })
    const reader = await webReader(hub)
    await until(() => hub.stats().states.live === 1)
    await fill(hub, 1, 10)
    deliver(3)
    deliver(4, 5)
    deliver(9)
    deliver(10)
    await reader.until(() => data(reader).length === 10)
    expect(data(reader)).toEqual(numbers(1, 10))
  })

  test('notices a last delivery that was lost, with the heartbeat', async () => {
    const { log, deliver } = handmade()
    const hub = hubOf({ log, heartbeat: 60 })
    const reader = await webReader(hub)
    await until(() => hub.stats().states.live === 1)
    await fill(hub, 1, 3)
    deliver(1)
    // Nothing ever announces the others.
    await reader.until(() => data(reader).length === 3)
    expect(data(reader)).toEqual(numbers(1, 3))
  })

  test('asks a lagging copy again for what it announced, and tells a gap where it never comes', async () => {
    const memory = memoryLog()
    let behind = 0
    const { log, deliver, entries } = handmade(memory, {
      async read(after, limit) {
        const page = await memory.read(after, limit)
        return (
          page && { entries: page.entries.filter(({ offset }) => offset <= behind), end: Math.min(page.end, behind) }
        )
      },
    })
    const hub = hubOf({ log })
    const reader = await webReader(hub)
    await until(() => hub.stats().states.live === 1)
    await fill(hub, 1, 4)
    expect(entries).toHaveLength(4)
    deliver(1, 4)
    setTimeout(() => {
      behind = 4
    }, 30)
    await reader.until(() => data(reader).length === 4)
    expect(data(reader)).toEqual(numbers(1, 4))
    await fill(hub, 5, 8)
    deliver(5, 8)
    await reader.until(() => data(reader).includes('gap'))
  })

  test('of a log that hangs waits only so long: readers are sent away, and publishing is rejected', async () => {
    const never = () => new Promise<never>(() => {})
    const errors: { code?: string }[] = []
    const onError = (error: unknown) => void errors.push(error as { code?: string })
    const slow = hubOf({ log: remoteLog(memoryLog(), { follow: never }), logTimeout: 30, onError })
    expect((await webReader(slow)).status).toBe(503)
    const mute = hubOf({ log: remoteLog(memoryLog(), { append: never }), logTimeout: 30, onError })
    await expect(mute.publish({ data: 'x' })).rejects.toMatchObject({ code: 'timeout' })
    const memory = memoryLog()
    const deaf = hubOf({ log: remoteLog(memory, { read: never }), logTimeout: 30, onError })
    const { id } = await deaf.publish({ data: '1' })
    await deaf.publish({ data: '2' })
    expect((await webReader(deaf, { lastEventId: id })).status).toBe(503)
    expect(errors.map(({ code }) => code)).toEqual(['timeout', 'timeout', 'timeout'])
  })

  test('never throws a reader back that is ahead of it', async () => {
    const memory = memoryLog()
    const { log, deliver } = handmade(memory)
    const hub = hubOf({ log })
    const first = await webReader(hub)
    await until(() => first.id !== '')
    await fill(hub, 1, 10)
    // It has what the feed has not heard of yet.
    const resumed = await webReader(hub, { lastEventId: first.id.replace(/\d+$/, '2') })
    deliver(8)
    await resumed.until(() => data(resumed).length === 8)
    deliver(9, 10)
    await fill(hub, 11, 11)
    deliver(11)
    await resumed.until(() => data(resumed).includes('11'))
    expect(data(resumed)).toEqual(numbers(3, 11))
    await first.until(() => data(first).includes('11'))
    expect(data(first)).toEqual(numbers(1, 11))
  })

  test('that is sealed ends its readers', async () => {
    const log = memoryLog()
    const hub = hubOf({ log })
    const reader = await webReader(hub)
    await until(() => hub.stats().states.live === 1)
    await hub.publish({ data: 'last' })
    log.seal()
    await reader.over
    expect(data(reader)).toEqual(['last'])
    await expect(hub.publish({ data: 'more' })).rejects.toMatchObject({ code: 'log-sealed' })
  })

  test('delivers on, whatever one entry or one reader throws', async () => {
    const onError = vi.fn()
    const { log, deliver, entries } = handmade()
    const hub = hubOf({ log, onError })
    const reader = await webReader(hub)
    await until(() => hub.stats().states.live === 1)
    await fill(hub, 1, 3)
    entries[1] = { ...(entries[1] as Entry), message: { frame: 7 as never, type: 'x', topics: 'news' as never } }
    deliver(1, 2, 3)
    await reader.until(() => data(reader).includes('3'))
    expect(onError).toHaveBeenCalled()
  })

  test('of a log that the caller made is not closed with the hub; one that the hub made is', async () => {
    const log = memoryLog()
    const hub = createHub({ log })
    await hub.publish({ data: '1' })
    await hub.close()
    expect(await log.bounds()).toMatchObject({ offset: 1 })
    const other = createHub({ log })
    expect((await other.publish({ data: '2' })).id).toMatch(/\.2$/)
    await other.close()
  })
})
