import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { connectionOf } from '../../src/redis/client.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { createHub } from '../../src/server/index.ts'
import { serve } from '../helpers/serve.ts'
import { CLIENTS, type Connected } from './clients.ts'
import { type RedisServer, startRedis } from './server.ts'

// Two hubs that share nothing but Redis, as two processes would.

/** A machine that does other things as well needs its time; what is wrong stays wrong. */
const PATIENT = { timeout: 20_000 }

let redis: RedisServer
let name = 0
const undo: (() => unknown)[] = []

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A hub with a client of its own, behind a server. */
async function process(kind: string, log: string) {
  const connected = (await CLIENTS[kind]?.(redis.port)) as Connected
  undo.push(() => connected.leave())
  const errors: unknown[] = []
  const logs = redisLogs(connected.client, { onError: (error) => errors.push(error) })
  undo.push(() => logs.close())
  const hub = createHub({ log: logs.open(log), onError: (error) => errors.push(error) })
  undo.push(() => hub.close())
  const { url } = await serve((request, response) => void hub.handle(request, response))
  const close = async () => {
    await hub.close()
    logs.close()
  }
  return { hub, url, errors, close, send: connectionOf(connected.client, () => {}).send.bind(undefined, '') }
}

const CHANNELS = ['ioredis 6', 'node-redis 6'] as const

test.each(CHANNELS)('what one process publishes reaches the readers of another, in one order (%s)', async (kind) => {
  const log = `news ${++name}`
  const [one, two] = [await process(kind, log), await process(kind, log)]
  const readers = [one, two].map(({ url }) => {
    const heard: string[] = []
    const connection = connect(url)
    connection.on(({ data }) => heard.push(data))
    undo.push(connection.close)
    return { heard, connection }
  })
  await Promise.all(readers.map(({ connection }) => connection.opened))
  const data = Array.from({ length: 200 }, (_, at) => String(at))
  const published = await Promise.all(data.map((each, at) => (at % 2 ? one : two).hub.publish({ data: each })))
  await expect.poll(() => readers.map(({ heard }) => heard.length), PATIENT).toEqual([200, 200])
  expect(readers[0]?.heard).toEqual(readers[1]?.heard)
  const order = published.map(({ id }, at) => [Number(id.split('.')[1]), String(at)] as const).sort(([a], [b]) => a - b)
  expect(readers[0]?.heard).toEqual(order.map(([, each]) => each))
  expect([...one.errors, ...two.errors]).toEqual([])
})

test.each(CHANNELS)('a reader that comes back to another process is given what it missed (%s)', async (kind) => {
  const log = `news ${++name}`
  const [one, two] = [await process(kind, log), await process(kind, log)]
  const { id } = await one.hub.publish({ data: 'a' })
  await one.hub.publish({ data: 'b' })
  await two.hub.publish({ data: 'c' })
  const gaps: unknown[] = []
  const heard: string[] = []
  const connection = connect(two.url, { lastEventId: id, onGap: (gap) => gaps.push(gap) })
  undo.push(connection.close)
  for await (const { data } of connection) if (heard.push(data) === 2) break
  expect([heard, gaps]).toEqual([['b', 'c'], []])
})

test.each(CHANNELS)('a connection to Redis that is cut costs no reader an event (%s)', async (kind) => {
  const log = `news ${++name}`
  const [one, two] = [await process(kind, log), await process(kind, log)]
  const heard: string[] = []
  const connection = connect(one.url)
  connection.on(({ data }) => heard.push(data))
  undo.push(connection.close)
  await connection.opened
  const all: string[] = []
  for (let at = 0; at < 100; at++) {
    all.push(String(at))
    await two.hub.publish({ data: String(at) })
    // All that are blocked in a read: the reader of each process.
    if (at % 25 === 10) {
      const clients = String(await two.send('CLIENT', 'LIST'))
      for (const line of clients.split('\n')) {
        const [, id] = / ?id=(\d+) /.exec(` ${line} `) ?? []
        if (id && / cmd=xread/.test(line)) await two.send('CLIENT', 'KILL', 'ID', id)
      }
    }
    await sleep(2)
  }
  await expect.poll(() => heard.length, PATIENT).toBe(100)
  expect(heard).toEqual(all)
})

test('a Redis that is frozen for longer than a read may take costs nobody an event', async () => {
  const log = `news ${++name}`
  const [one, two] = [await process('ioredis 6', log), await process('node-redis 6', log)]
  const heard: string[] = []
  const states: string[] = []
  const connection = connect(one.url, { onState: ({ state }) => states.push(state) })
  connection.on(({ data }) => heard.push(data))
  undo.push(connection.close)
  await connection.opened
  await two.hub.publish({ data: 'before' })
  redis.freeze()
  undo.push(redis.thaw)
  const publish = () => two.hub.publish({ data: 'meanwhile' }, undefined, { idempotencyKey: 'once' })
  // Unknown, not lost: the key makes it safe to repeat.
  await expect(publish()).rejects.toMatchObject({ code: 'log-unknown' })
  redis.thaw()
  await publish()
  await two.hub.publish({ data: 'after' })
  await expect.poll(() => heard, PATIENT).toEqual(['before', 'meanwhile', 'after'])
  expect(states).toEqual(['open'])
})

test('a closed hub and its logs leave no connection behind', async () => {
  const log = `news ${++name}`
  const one = await process('ioredis 6', log)
  const watcher = (await CLIENTS['ioredis 6']?.(redis.port)) as Connected
  undo.push(() => watcher.leave())
  const count = async () =>
    String(await connectionOf(watcher.client, () => {}).send('', 'CLIENT', 'LIST'))
      .trim()
      .split('\n').length
  const { opened, close } = connect(one.url)
  await opened
  await expect.poll(count, PATIENT).toBe(3)
  close()
  await one.close()
  await expect.poll(count, PATIENT).toBe(2)
})
