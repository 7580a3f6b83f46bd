import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { connectionOf } from '../../src/redis/client.ts'
import { startRedis } from './server.ts'
import { connected, during, PATIENT, startProcess, startReader, undoing } from './world.ts'

// Two hubs that share nothing but Redis, as two processes would.

const redis = during(startRedis)
const undo = undoing()
let name = 0

async function process(kind: string, log: string) {
  const started = await startProcess(await connected(kind, redis().port), log)
  undo.push(started.leave)
  return started
}

const CHANNELS = ['ioredis 6', 'node-redis 6'] as const

test.each(CHANNELS)('what one process publishes reaches the readers of another, in one order (%s)', async (kind) => {
  const log = `news ${++name}`
  const [one, two] = [await process(kind, log), await process(kind, log)]
  const readers = [one, two].map(({ url }) => startReader(undo, url))
  await Promise.all(readers.map(({ opened }) => opened))
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
  const { heard, opened } = startReader(undo, one.url)
  await opened
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
  const { heard, states, opened } = startReader(undo, one.url)
  await opened
  await two.hub.publish({ data: 'before' })
  redis().freeze()
  undo.push(() => redis().thaw())
  const publish = () => two.hub.publish({ data: 'meanwhile' }, undefined, { idempotencyKey: 'once' })
  // Unknown, not lost: the key makes it safe to repeat.
  await expect(publish()).rejects.toMatchObject({ code: 'log-unknown' })
  redis().thaw()
  await publish()
  await two.hub.publish({ data: 'after' })
  await expect.poll(() => heard, PATIENT).toEqual(['before', 'meanwhile', 'after'])
  expect(states).toEqual(['open'])
})

test('a closed hub and its logs leave no connection behind', async () => {
  const log = `news ${++name}`
  const one = await process('ioredis 6', log)
  const watcher = await connected('ioredis 6', redis().port)
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
