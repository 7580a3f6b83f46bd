import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import type { RedisClient } from '../../src/redis/client.ts'
import { SCRIPTS } from '../../src/redis/lua/scripts.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { ON_DISK, startRedis } from './server.ts'
import { connected, during, PATIENT, startProcess, startReader, undoing } from './world.ts'

// A server that comes back may have lost its newest entries, and says nothing of it.

const redis = during(() => startRedis(...ON_DISK))
const undo = undoing()
let name = 0

async function process(kind: string, log: string) {
  const started = await startProcess(await connected(kind, redis().port), log, { heartbeat: 500 })
  undo.push(started.leave)
  return started
}

const read = (url: string, lastEventId?: string) => startReader(undo, url, lastEventId ? { lastEventId } : {})

/** Two processes on one log, and a reader that has heard the two events that it has. */
async function aAndB(kinds: readonly [string, string], log: string) {
  const [one, two] = [await process(kinds[0], log), await process(kinds[1], log)]
  const here = read(one.url)
  await here.opened
  const a = await two.hub.publish({ data: 'a' })
  const b = await two.hub.publish({ data: 'b' })
  await expect.poll(() => here.heard, PATIENT).toEqual(['a', 'b'])
  return { one, two, here, a, b }
}

const CHANNELS = ['ioredis 6', 'node-redis 6'] as const

describe.each(CHANNELS)('Redis, restarted (%s)', (kind) => {
  test('with all that it had: nobody misses anything, nobody is told of a gap, nobody is cut off', async () => {
    const log = `news ${++name}`
    const { one, two, here, a: first } = await aAndB([kind, kind], log)
    await redis().restart()
    const c = await two.hub.publish({ data: 'c' })
    expect(c.id.split('.')[0]).not.toBe(first.id.split('.')[0])
    await one.hub.publish({ data: 'd' })
    await expect.poll(() => here.heard, PATIENT).toEqual(['a', 'b', 'c', 'd'])
    const back = read(two.url, first.id)
    await expect.poll(() => back.heard, PATIENT).toEqual(['b', 'c', 'd'])
    expect([here.gaps, back.gaps, here.states]).toEqual([[], [], ['open']])
  })

  test('without its newest entries: who had them goes on, and who had not is told', async () => {
    const log = `news ${++name}`
    const { one, two, here, a, b } = await aAndB([kind, kind], log)
    redis().copy()
    const c = await two.hub.publish({ data: 'c' })
    await two.hub.publish({ data: 'd' })
    await expect.poll(() => here.heard, PATIENT).toEqual(['a', 'b', 'c', 'd'])
    const all = await two.log.bounds()
    await redis().restart('copy')
    await one.hub.publish({ data: 'e' })
    await expect.poll(() => here.heard, PATIENT).toEqual(['a', 'b', 'c', 'd', 'e'])
    // All that anybody had heard of, and no more.
    const whole = read(two.url, `${all.epoch}.${all.offset}`)
    await expect.poll(() => whole.heard, PATIENT).toEqual(['e'])
    const parts = [a, b, c].map(({ id }) => read(one.url, id))
    await expect.poll(() => parts.map(({ gaps }) => gaps), PATIENT).toEqual([[a.id], [b.id], [c.id]])
    expect([here.gaps, whole.gaps, here.states]).toEqual([[], [], ['open']])
  })

  test('without what only its publisher had heard of: who returns is told', async () => {
    const log = `news ${++name}`
    const [one, two] = [await process(kind, log), await process(kind, log)]
    const a = await one.hub.publish({ data: 'a' })
    redis().copy()
    await two.hub.publish({ data: 'b' })
    await redis().restart('copy')
    // It begins the new life of the log, and has heard of less than was lost.
    await one.log.bounds()
    const back = read(one.url, a.id)
    await expect.poll(() => back.gaps, PATIENT).toEqual([a.id])
  })

  test('twice: a place is found again over several lives', async () => {
    const log = `news ${++name}`
    const one = await process(kind, log)
    const a = await one.hub.publish({ data: 'a' })
    await redis().restart()
    await one.hub.publish({ data: 'b' })
    await redis().restart()
    await one.hub.publish({ data: 'c' })
    const back = read(one.url, a.id)
    await expect.poll(() => back.heard, PATIENT).toEqual(['b', 'c'])
    expect(back.gaps).toEqual([])
  })

  test('again, while a place of an earlier life is looked for: it is found in the new one', async () => {
    const log = `news ${++name}`
    const { two, a: first } = await aAndB([kind, kind], log)
    await redis().restart()
    await two.hub.publish({ data: 'c' })
    // Between the answer and the reading that follows it.
    const { continues } = two.log
    let isRestarted = false
    two.log.continues = async (place) => {
      const found = await continues?.call(two.log, place)
      if (!isRestarted) {
        isRestarted = true
        await redis().restart()
      }
      return found
    }
    const back = read(two.url, first.id)
    await expect.poll(() => back.heard, PATIENT).toEqual(['b', 'c'])
    await two.hub.publish({ data: 'd' })
    await expect.poll(() => back.heard, PATIENT).toEqual(['b', 'c', 'd'])
    expect([isRestarted, back.gaps]).toEqual([true, []])
  })

  test('a repeated publish is known again, and one that was lost is none', async () => {
    const log = `news ${++name}`
    const one = await process(kind, log)
    const publish = (data: string) => one.hub.publish({ data }, undefined, { idempotencyKey: data })
    const a = await publish('a')
    redis().copy()
    await publish('b')
    await redis().restart('copy')
    const again = [await publish('a'), await publish('b')]
    expect(again.map(({ id }) => id.split('.')[1])).toEqual(['1', '2'])
    expect(again[0]?.id).not.toBe(a.id)
    expect((await one.log.bounds()).offset).toBe(2)
  })
})

test('a server of version 6, which hands its scripts on, is asked who it is', async () => {
  // There is none here: this one says that it is one.
  const client = new Redis(redis().port, '127.0.0.1')
  client.on('error', () => {})
  undo.push(() => client.disconnect())
  const call = client.call.bind(client) as (...args: string[]) => Promise<unknown>
  const old = Object.assign(Object.create(client) as Redis, {
    call: async (...args: string[]) => {
      const answer = await call(...args)
      return args[1]?.includes("'memory'")
        ? (answer as string[]).map((text) => text.replace(/redis_version:\d+/, 'redis_version:6'))
        : answer
    },
  })
  const logs = redisLogs(old as RedisClient, { onError() {} })
  undo.push(() => logs.close())
  const log = logs.open(`news ${++name}`)
  const first = await log.append({ frame: 'data: a\n\n', type: 'message' })
  expect((await log.append({ frame: 'data: b\n\n', type: 'message' })).epoch).toBe(first.epoch)
  await redis().restart()
  // As if it had them from the one before.
  const scripts = Object.values(SCRIPTS).map((text) =>
    text.replace('local run = RUN', `local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')`),
  )
  for (const script of scripts) await client.script('LOAD', script)
  expect(await log.append({ frame: 'data: c\n\n', type: 'message' })).toMatchObject({ offset: 3 })
  expect((await log.bounds()).epoch).not.toBe(first.epoch)
  expect(await log.continues({ epoch: first.epoch, offset: 1 })).toMatchObject({ offset: 1 })
})

test('a flushed log is told to those who missed something, and to nobody else', async () => {
  const log = `news ${++name}`
  const { one, two, here, a, b } = await aAndB(['ioredis 6', 'node-redis 6'], log)
  await two.send('FLUSHALL')
  const c = await two.hub.publish({ data: 'c' })
  expect(c.id).toMatch(/\.1$/)
  await expect.poll(() => here.heard, PATIENT).toEqual(['a', 'b', 'c'])
  const [behind, whole] = [read(one.url, a.id), read(two.url, b.id)]
  await expect.poll(() => behind.gaps, PATIENT).toEqual([a.id])
  await expect.poll(() => whole.heard, PATIENT).toEqual(['c'])
  expect([here.gaps, whole.gaps, here.states]).toEqual([[], [], ['open']])
})

test.each(['meta', 'entries'])('a key that is deleted (%s) is a loss of the log', async (key) => {
  const log = `news${++name}`
  const { two, here, a, b } = await aAndB(['ioredis 6', 'node-redis 6'], log)
  const [found] = (await two.send('KEYS', `*:${log}:${key}`)) as string[]
  expect(await two.send('DEL', String(found))).toBe(1)
  await two.hub.publish({ data: 'c' })
  await expect.poll(() => here.heard, PATIENT).toEqual(['a', 'b', 'c'])
  // A process that has nothing of it in memory.
  const three = await process('ioredis 6', log)
  const [behind, whole] = [read(three.url, a.id), read(two.url, b.id)]
  await expect.poll(() => behind.gaps, PATIENT).toEqual([a.id])
  await expect.poll(() => whole.heard, PATIENT).toEqual(['c'])
  expect([here.gaps, whole.gaps]).toEqual([[], []])
})

test('a Redis that may evict logs is told of once', async () => {
  const evicting = await startRedis('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
  undo.push(evicting.stop)
  const { client, leave } = await connected('ioredis 6', evicting.port)
  undo.push(leave)
  const errors: unknown[] = []
  const logs = redisLogs(client, { onError: (error) => errors.push(error) })
  for (const each of ['a', 'b']) await logs.open(each).append({ frame: 'data: 1\n\n', type: 'message' })
  expect(errors.map((error) => (error as { code?: string }).code)).toEqual(['evicts'])
  logs.close()
})
