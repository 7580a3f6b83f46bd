import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import type { Log, Message } from '../../src/log/log.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { type RedisLogsOptions, redisLogs } from '../../src/redis/redis.ts'
import { startRedis } from './server.ts'
import { during } from './world.ts'

// Clients and logs as people configure them.

const redis = during(startRedis)

const message = (data: string): Message => ({ frame: `data: ${data}\n\n`, type: 'message' })

/** What a log does over longer than a blocked read takes. */
async function useful(client: RedisClient, name: string, options: RedisLogsOptions = {}) {
  const errors: string[] = []
  const tell = (error: unknown) => void errors.push((error as Error).message)
  const logs = redisLogs(client, { onError: tell, ...options })
  const log = logs.open(name)
  const heard: string[] = []
  await log.follow({
    entries: (entries) => void heard.push(...entries.map((entry) => entry.message.frame.slice(6, -2))),
    end() {},
    error: tell,
  })
  const first = await log.append(message('a'), { idempotencyKey: 'k' })
  const again = await log.append(message('a'), { idempotencyKey: 'k' })
  const page = await log.read({ epoch: first.epoch, offset: 0 }, 10)
  await sleep(1500)
  await log.append(message('b'))
  await sleep(300)
  const { offset, oldest, sealed } = await log.bounds()
  logs.close()
  return {
    ...{ heard, errors, offset, oldest, sealed },
    ...{ repeated: [first.repeated, again.repeated], read: page?.entries.length },
  }
}

const RIGHT = {
  ...{ heard: ['a', 'b'], errors: [], offset: 2, oldest: 1, sealed: false },
  ...{ repeated: [undefined, true], read: 1 },
}

describe('a client of ioredis', () => {
  test.concurrent.each([
    ['that puts something before every key', { keyPrefix: 'app:' }],
    ['that connects when it is used', { lazyConnect: true }],
    ['that queues nothing', { enableOfflineQueue: false }],
    ['of another database', { db: 3 }],
    ['that pipelines by itself', { enableAutoPipelining: true }],
    ['that answers with strings', { stringNumbers: true }],
    ['that waits for less than a read does', { commandTimeout: 300 }],
    ['that tries for ever, as BullMQ wants it', { maxRetriesPerRequest: null }],
  ])('%s', async (how, options) => {
    const client = new Redis(redis().port, '127.0.0.1', options)
    if (!('lazyConnect' in options)) await new Promise((resolve) => client.once('ready', resolve))
    expect(await useful(client, how)).toEqual(RIGHT)
    client.disconnect()
  })
})

describe('a client of node-redis', () => {
  test.concurrent.each([
    ['of the second protocol', { RESP: 2 as const }],
    ['of the third protocol', { RESP: 3 as const }],
    ['of another database', { database: 4 }],
    ['that puts something before every key', { keyPrefix: 'app:' }],
    ['that queues nothing', { disableOfflineQueue: true }],
  ])('%s', async (how, options) => {
    const client = createClient({ url: `redis://127.0.0.1:${redis().port}`, ...options })
    await client.connect()
    expect(await useful(client as RedisClient, `node ${how}`)).toEqual(RIGHT)
    client.destroy()
  })

  test('that is not connected says so', async () => {
    const logs = redisLogs(createClient({ url: `redis://127.0.0.1:${redis().port}` }), { onError() {} })
    await expect(logs.open('a').append(message('a'))).rejects.toMatchObject({ code: 'log-away' })
    logs.close()
  })
})

describe('a log', () => {
  test.concurrent.each(['a:b', '{x}', 'ü €', 'a'.repeat(10_000), 'x\ny', '..', '*', '%'])(
    'of the name %j',
    async (name) => {
      const client = new Redis(redis().port, '127.0.0.1')
      expect(await useful(client, name, { prefix: 'names:' })).toEqual(RIGHT)
      client.disconnect()
    },
  )

  test.concurrent.each(['{x}', 'a{', '}', 'ü:'])('under the prefix %j', async (prefix) => {
    const client = new Redis(redis().port, '127.0.0.1')
    expect(await useful(client, 'a', { prefix })).toEqual(RIGHT)
    client.disconnect()
  })

  test('keeps as many entries, bytes and milliseconds as it is told, and always the newest', async () => {
    const client = new Redis(redis().port, '127.0.0.1')
    const logs = redisLogs(client)
    const kept = async (log: ReturnType<typeof logs.open>) => {
      const { offset, oldest } = await log.bounds()
      return offset - oldest + 1
    }
    const [count, bytes, age] = [
      logs.open('by count', { count: 3 }),
      logs.open('by bytes', { bytes: 1000 }),
      logs.open('by age', { age: 100 }),
    ]
    for (let at = 0; at < 10; at++) await count.append(message('x'))
    await Promise.all(Array.from({ length: 250 }, () => count.append(message('x'))))
    expect(await kept(count)).toBe(3)
    for (const length of [10, 5000, 10, 10, 10]) await bytes.append(message('x'.repeat(length)))
    expect(await kept(bytes)).toBe(3)
    await bytes.append(message('x'.repeat(5000)))
    expect(await kept(bytes)).toBe(1)
    for (let at = 0; at < 20; at++) await bytes.append(message('x'.repeat(100)))
    expect(await kept(bytes)).toBeGreaterThan(2)
    expect(await kept(bytes)).toBeLessThan(5)
    await age.append(message('x'))
    await age.append(message('x'))
    await sleep(150)
    await age.append(message('x'))
    expect(await kept(age)).toBe(1)
    logs.close()
    client.disconnect()
  })

  test('remembers keys as long as it is told, also for less than a moment, and for longer than there is time', async () => {
    const client = new Redis(redis().port, '127.0.0.1')
    const logs = redisLogs(client)
    for (const keyLife of [0, 0.5, 1.5, 1e300]) {
      const log = logs.open(`keys ${keyLife}`, { keyLife })
      await log.append(message('a'), { idempotencyKey: 'k' })
      await sleep(20)
      const { repeated = false } = await log.append(message('a'), { idempotencyKey: 'k' })
      expect([keyLife, repeated]).toEqual([keyLife, keyLife > 100])
      await log.expire(keyLife)
    }
    logs.close()
    client.disconnect()
  })

  test('has one life for a process that may ask which server it is, and one that may not', async () => {
    const [client, admin] = [new Redis(redis().port, '127.0.0.1'), new Redis(redis().port, '127.0.0.1')]
    await admin.acl('SETUSER', 'mute', 'on', '>secret', '~*', '+@all', '-info')
    const mute = createClient({ url: `redis://mute:secret@127.0.0.1:${redis().port}` })
    await mute.connect()
    const both = [client, mute].map((each) => redisLogs(each as RedisClient, { onError() {} }))
    const [one, two] = both.map((logs) => logs.open('both')) as unknown as [Log, Log]
    const epochs = new Set<string>()
    for (let at = 0; at < 5; at++) {
      for (const log of [one, two]) epochs.add((await log.append(message('a'))).epoch)
    }
    expect(epochs.size).toBe(1)
    for (const logs of both) logs.close()
    for (const each of [client, admin]) each.disconnect()
    mute.destroy()
  })

  test('is refused that cannot be meant', () => {
    for (const bad of [undefined, null, {}, 'redis://127.0.0.1', 7, { call: 1 }]) {
      expect(() => redisLogs(bad as unknown as RedisClient)).toThrowError(/ioredis/)
    }
    const client = new Redis(redis().port, '127.0.0.1')
    const invalid = expect.objectContaining({ code: 'invalid-option' })
    for (const options of [{ queue: true }, { prefix: 7 }, { prefx: 'a' }, { queue: { counts: 1 } }]) {
      expect(() => redisLogs(client, options as unknown as RedisLogsOptions)).toThrowError(invalid)
    }
    const logs = redisLogs(client)
    for (const name of ['', 7, undefined, '\ud800']) expect(() => logs.open(name as string)).toThrowError(invalid)
    expect(() => logs.open('a', { count: '5' } as object)).toThrowError(invalid)
    logs.close()
    logs.close()
    expect(() => logs.open('a')).toThrowError(expect.objectContaining({ code: 'log-closed' }))
    client.disconnect()
  })

  test('many come and go, and leave no connection and no bell', async () => {
    const client = new Redis(redis().port, '127.0.0.1')
    const logs = redisLogs(client, { prefix: 'many:' })
    for (let round = 0; round < 3; round++) {
      const all = Array.from({ length: 200 }, async (_, at) => {
        const log = logs.open(`log ${at}`)
        await log.follow({ entries() {}, end() {}, error() {} })
        await log.append(message('a'))
        return log
      })
      for (const log of await Promise.all(all)) log.close()
    }
    logs.close()
    await expect.poll(() => client.keys('many:bell*')).toEqual([])
    client.disconnect()
  })

  test('over a client that goes first is given up without a rejection that nobody hears', async () => {
    const client = new Redis(redis().port, '127.0.0.1')
    const logs = redisLogs(client, { onError() {} })
    const log = logs.open('left')
    await log.follow({ entries() {}, end() {}, error() {} })
    client.disconnect()
    await sleep(1200)
    await expect(log.append(message('a'))).rejects.toMatchObject({ name: 'LogError' })
    logs.close()
  })
})
