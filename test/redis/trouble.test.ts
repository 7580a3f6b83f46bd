import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import type { Log, Message } from '../../src/log/log.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import type { AppendQueue } from '../../src/redis/waiting.ts'
import { createHub } from '../../src/server/index.ts'
import { serve } from '../helpers/serve.ts'
import { ON_DISK, startRedis } from './server.ts'
import { connected, during, PATIENT, undoing } from './world.ts'

// Redis that is away, refuses, or holds what another program has written.

const redis = during(() => startRedis(...ON_DISK))
const undo = undoing()
let name = 0

function plain(options = {}) {
  const client = new Redis(redis().port, '127.0.0.1', options)
  client.on('error', () => {})
  undo.push(() => client.disconnect())
  return client
}

function logsOf(client: Parameters<typeof redisLogs>[0], queue?: AppendQueue) {
  const errors: { code?: string; message: string }[] = []
  const logs = redisLogs(client, { queue, onError: (error) => errors.push(error as Error) })
  undo.push(() => logs.close())
  return { logs, errors }
}

const message = (data: string): Message => ({ frame: `data: ${data}\n\n`, type: 'message' })
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => error.code ?? error.message,
  )

async function follow(log: Log) {
  const heard: string[] = []
  const errors: string[] = []
  await log.follow({
    entries: (entries) => {
      for (const entry of entries) heard.push(entry.message.frame.slice(6, -2))
    },
    end: (reason) => void heard.push(reason),
    error: (error) => errors.push((error as Error).message),
  })
  return { heard, errors }
}

/** The keys of a log, by their last part. */
async function keysOf(client: Redis, log: string) {
  const keys = await client.keys(`*:${log}:*`)
  return (part: string) => keys.find((key) => key.endsWith(`:${part}`)) as string
}

test('what Redis refuses for a while did not happen, and says so', async () => {
  const server = await startRedis('--maxmemory', '3mb', '--maxmemory-policy', 'noeviction')
  undo.push(server.stop)
  const client = new Redis(server.port, '127.0.0.1')
  undo.push(() => client.disconnect())
  const { logs } = logsOf(client)
  const log = logs.open('a')
  const codes = new Set<string>()
  for (let at = 0; at < 20; at++) codes.add(await outcome(log.append(message('x'.repeat(300_000)))))
  expect([...codes]).toEqual(['resolved', 'log-away'])
  await client.config('SET', 'maxmemory', '0')
  await client.replicaof('127.0.0.1', 1)
  await expect(log.append(message('a'))).rejects.toMatchObject({ code: 'log-away', name: 'LogError' })
  await client.replicaof('NO', 'ONE')
  await log.append(message('a'))
})

test('what Redis refuses for good says why', async () => {
  const client = plain()
  await client.acl('SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-xadd')
  const weak = plain({ username: 'reader', password: 'secret' })
  const { logs } = logsOf(weak)
  await expect(logs.open(`news${++name}`).append(message('a'))).rejects.toMatchObject({
    code: 'log-refused',
    message: expect.stringContaining('user'),
  })
})

test('a Redis that does not say who it is serves, and that is told once', async () => {
  const client = plain()
  await client.acl('SETUSER', 'silent', 'on', '>secret', '~*', '+@all', '-info')
  const { logs, errors } = logsOf(plain({ username: 'silent', password: 'secret' }))
  for (const each of ['a', 'b']) await logs.open(`${each}${++name}`).append(message('a'))
  expect(errors.map(({ code }) => code)).toEqual(['no-run-id'])
})

test('an append whose answer did not come may have happened, and says so', async () => {
  const { logs } = logsOf(plain({ maxRetriesPerRequest: 0 }))
  const log = logs.open(`news${++name}`)
  await log.append(message('a'))
  redis().freeze()
  const appended = outcome(log.append(message('b')))
  await sleep(50)
  await redis().restart()
  expect(await appended).toBe('log-unknown')
})

test.each(['ioredis 6', 'node-redis 6', 'node-redis 5', 'node-redis 4', 'ioredis 5'])(
  'with a queue, appends wait for Redis and are there once, in order (%s)',
  async (kind) => {
    const { client, leave } = await connected(kind, redis().port)
    undo.push(leave)
    const { logs } = logsOf(client, {})
    const log = logs.open(`news${++name}`)
    const { heard } = await follow(log)
    const all = Array.from({ length: 200 }, (_, at) => String(at))
    const appended: Promise<unknown>[] = []
    for (const each of all) {
      appended.push(log.append(message(each)))
      if (each === '60') void redis().restart(undefined, 300)
      await sleep(5)
    }
    await Promise.all(appended)
    await expect.poll(() => heard.length, PATIENT).toBe(200)
    expect(heard).toEqual(all)
  },
)

test('what waits has its bounds: how many, how much, how long', async () => {
  const { logs } = logsOf(plain(), { count: 3, bytes: 2000, within: 400 })
  const log = logs.open(`news${++name}`)
  await log.append(message('a'))
  expect(await outcome(log.append(message('x'.repeat(3000))))).toBe('queue-full')
  redis().freeze()
  undo.push(() => redis().thaw())
  const waiting = ['b', 'c', 'd'].map((each) => outcome(log.append(message(each))))
  expect(await outcome(log.append(message('e')))).toBe('queue-full')
  expect(await Promise.all(waiting)).toEqual(['log-unknown', 'log-unknown', 'log-unknown'])
  redis().thaw()
  await log.append(message('f'))
})

test('what waits is given up when the logs are closed', async () => {
  const { logs } = logsOf(plain({ maxRetriesPerRequest: 0 }), {})
  const log = logs.open(`news${++name}`)
  await log.append(message('a'))
  redis().freeze()
  undo.push(() => redis().thaw())
  const sent = outcome(log.append(message('b')))
  await sleep(10)
  logs.close()
  expect([await sent, await outcome(log.append(message('c')))]).toEqual(['log-unknown', 'log-closed'])
})

test('a hub closes while Redis answers nobody', async () => {
  const { logs } = logsOf(plain())
  const hub = createHub({ log: logs.open(`news${++name}`), onError: () => {} })
  const { url } = await serve((request, response) => void hub.handle(request, response))
  const connection = connect(url, { retry: false })
  undo.push(connection.close)
  await connection.opened
  await hub.publish({ data: 'a' })
  redis().freeze()
  undo.push(() => redis().thaw())
  const began = performance.now()
  await hub.close({ within: 1000 })
  logs.close()
  expect(performance.now() - began).toBeLessThan(3000)
})

test('what another program adds to a stream is passed over, named, and taken out where nothing could follow it', async () => {
  const client = plain()
  const { logs, errors } = logsOf(plain())
  const log = logs.open(`news${++name}`)
  const { heard } = await follow(log)
  await log.append(message('a'))
  const key = (await keysOf(client, log.name))('entries')
  // One that ours can follow, and one with the time as its id, which is far ahead of ours.
  await client.xadd(key, '1-7', 'their', 'field')
  await expect.poll(() => errors.map((error) => error.message).join(), PATIENT).toContain('1-7')
  await client.xadd(key, '*', 'their', 'field')
  await log.append(message('b'))
  await client.xadd(key, '*', 'e', 'x', 't', '0', 'm', '{', 'f', '')
  await expect.poll(() => client.xlen(key), PATIENT).toBe(2)
  await log.append(message('c'))
  await expect.poll(() => heard, PATIENT).toEqual(['a', 'b', 'c'])
  expect((await log.bounds()).offset).toBe(3)
  expect(errors.map(({ code }) => code)).toContain('foreign-entry')
})

test('100 MB from another program pass by', async () => {
  const client = plain()
  const { logs } = logsOf(plain())
  const log = logs.open(`news${++name}`)
  const { heard } = await follow(log)
  await log.append(message('a'))
  await client.xadd((await keysOf(client, log.name))('entries'), '1-9', 'their', Buffer.alloc(100_000_000, 120))
  await log.append(message('b'))
  await expect.poll(() => heard, PATIENT).toEqual(['a', 'b'])
})

test('a key of the same name that is none of ours is a clear error, and disturbs no other log', async () => {
  const client = plain()
  const { logs, errors } = logsOf(plain())
  const [one, two] = [logs.open(`news${++name}`), logs.open(`news${++name}`)]
  const [first, second] = [await follow(one), await follow(two)]
  await one.append(message('a'))
  await two.append(message('a'))
  await expect.poll(() => [first.heard, second.heard], PATIENT).toEqual([['a'], ['a']])
  const key = (await keysOf(client, one.name))('entries')
  await client.set(key, 'theirs')
  await two.append(message('b'))
  await expect.poll(() => second.heard, PATIENT).toEqual(['a', 'b'])
  await expect(one.append(message('b'))).rejects.toMatchObject({ code: 'log-refused' })
  await expect.poll(() => first.errors.join(), PATIENT).toContain(key)
  expect(second.errors).toEqual([])
  expect(errors.filter((error) => error.message.includes(key)).length).toBeLessThan(3)
  // As soon as it is a stream again, it goes on.
  await client.del(key)
  await one.append(message('c'))
  await expect.poll(() => first.heard, PATIENT).toEqual(['a', 'c'])
})

test('WRONGTYPE at the start is a clear error', async () => {
  const client = plain()
  const { logs } = logsOf(plain())
  const log = logs.open(`news${++name}`)
  await log.append(message('a'))
  await client.set((await keysOf(client, log.name))('meta'), 'theirs')
  await expect(log.bounds()).rejects.toMatchObject({
    code: 'log-refused',
    message: expect.stringContaining('WRONGTYPE'),
  })
  await expect(log.follow({ entries() {}, end() {}, error() {} })).rejects.toMatchObject({ code: 'log-refused' })
})

test('nothing of a log is left in Redis when it has expired, and nothing of its readers', async () => {
  const client = plain()
  const { logs } = logsOf(plain())
  const log = logs.open(`gone${++name}`)
  const { heard } = await follow(log)
  await log.append({ ...message('a'), id: 'mine' }, { idempotencyKey: 'k' })
  await follow(logs.open(`gone${++name}`))
  await log.expire(50)
  await expect.poll(() => heard, PATIENT).toEqual(['a', 'expired'])
  logs.close()
  const left = async () => {
    const keys = await client.keys('*')
    const lasting = await Promise.all(keys.map(async (key) => ((await client.pttl(key)) < 0 ? key : '')))
    return lasting.filter((key) => key.includes(`:gone${name - 1}:`) || key.includes('bell'))
  }
  await expect.poll(left, PATIENT).toEqual([])
  expect((await client.client('LIST')) as string).not.toContain('cmd=xread')
})
