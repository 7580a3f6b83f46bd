import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { adminHandler, type LimitOptions } from '../../src/server/index.ts'
import { startRedis } from './server.ts'
import { during, PATIENT, startProcess, startReader, undoing } from './world.ts'

// Several processes as one: who is there, who has to go, how many a user may be.

const redis = during(startRedis)
const undo = undoing()
let name = 0

async function process(log: string, limits: LimitOptions = {}) {
  const client = new Redis(redis().port, '127.0.0.1')
  const subscription = ({ url }: { url?: string | undefined }) => {
    const [, user, topic] = url?.split('/') ?? []
    return { ...(user && { user }), ...(topic && { topics: [topic] }) }
  }
  const started = await startProcess({ client, leave: () => client.disconnect() }, log, { limits, subscription })
  undo.push(started.leave)
  return { ...started, client }
}

function read(url: string) {
  const reader = startReader(undo, url, { retry: false })
  return { ...reader, opened: reader.opened.catch(() => {}) }
}

test('stats of everywhere are those of all processes together', async () => {
  const log = `news ${++name}`
  const [one, two, three] = [await process(log), await process(log), await process(log)]
  const readers = [read(`${one.url}anna/a`), read(`${two.url}anna/a`), read(`${two.url}ben/b`)]
  await Promise.all(readers.map(({ opened }) => opened))
  await one.hub.publish({ data: 'x' })
  const stats = await three.hub.stats({ everywhere: true })
  expect(stats).toMatchObject({ connections: 3, users: { anna: 2, ben: 1 }, topics: { a: 2, b: 1 }, processes: 3 })
  expect(three.hub.stats().connections).toBe(0)
  const admin = adminHandler(one.hub, { authorize: () => true })
  const told = await (await admin.fetch(new Request('http://x/stats?everywhere=true'))).json()
  expect(told).toMatchObject({ connections: 3, processes: 3 })
  expect([one.errors, two.errors, three.errors]).toEqual([[], [], []])
})

test('a user is disconnected wherever he is, and nobody else', async () => {
  const log = `news ${++name}`
  const [one, two] = [await process(log), await process(log)]
  const readers = [read(`${one.url}anna/a`), read(`${two.url}anna/a`), read(`${two.url}ben/a`)]
  await Promise.all(readers.map(({ opened }) => opened))
  expect(await one.hub.disconnect({ user: 'anna' }, { everywhere: true })).toBe(2)
  await expect.poll(() => [one.hub.size, two.hub.size], PATIENT).toEqual([0, 1])
  expect(await one.hub.disconnect('everyone', { everywhere: true, now: true })).toBe(1)
  await expect.poll(() => two.hub.size, PATIENT).toBe(0)
  await expect(
    one.hub.disconnect({ where: () => true } as unknown as { user: string }, { everywhere: true }),
  ).rejects.toMatchObject({ code: 'invalid-option' })
})

test('a limit per user holds over all processes, and is free again for who leaves', async () => {
  const log = `news ${++name}`
  const limits = { perUser: 2, everywhere: true }
  const [one, two] = [await process(log, limits), await process(log, limits)]
  const [first, second] = [read(`${one.url}anna`), read(`${two.url}anna`)]
  await Promise.all([first.opened, second.opened])
  const third = read(`${two.url}anna`)
  await expect.poll(() => third.failed, PATIENT).toEqual([429])
  await read(`${two.url}ben`).opened
  first.connection.close()
  await expect.poll(() => one.hub.size, PATIENT).toBe(0)
  await sleep(50)
  const fourth = read(`${two.url}anna`)
  await fourth.opened
  expect([fourth.failed, two.hub.count({ user: 'anna' })]).toEqual([[], 2])
  // Together at once: no more than are allowed.
  second.connection.close()
  fourth.connection.close()
  await expect.poll(() => two.hub.count({ user: 'anna' }), PATIENT).toBe(0)
  await sleep(50)
  const crowd = Array.from({ length: 10 }, (_, at) => read(`${(at % 2 ? one : two).url}anna`))
  await Promise.all(crowd.map(({ opened }) => opened))
  expect(one.hub.count({ user: 'anna' }) + two.hub.count({ user: 'anna' })).toBe(2)
})

test('a process that is killed is forgotten within seconds, with its readers', async () => {
  const log = `news ${++name}`
  const limits = { perUser: 1, everywhere: true }
  const [one, two] = [await process(log, limits), await process(log, limits)]
  await read(`${one.url}anna`).opened
  await read(`${two.url}ben`).opened
  expect((await two.hub.stats({ everywhere: true })).processes).toBe(2)
  // As a kill: it says nothing any more, and takes nothing back.
  one.client.disconnect()
  const began = performance.now()
  await expect.poll(async () => (await two.hub.stats({ everywhere: true })).processes, PATIENT).toBe(1)
  expect(performance.now() - began).toBeLessThan(10_000)
  await expect
    .poll(async () => {
      const again = read(`${two.url}anna`)
      await again.opened
      return again.failed
    }, PATIENT)
    .toEqual([])
})

test('what processes know of each other expires when they leave', async () => {
  const log = `news${++name}`
  const limits = { perUser: 1, everywhere: true }
  const [one, two] = [await process(log, limits), await process(log, limits)]
  await read(`${one.url}anna`).opened
  await two.hub.stats({ everywhere: true })
  const client = new Redis(redis().port, '127.0.0.1')
  undo.push(() => client.disconnect())
  const keys = async () => (await client.keys(`*:${log}:*`)).map((key) => key.split(`:${log}:`)[1]?.split(':')[0])
  expect(new Set(await keys())).toEqual(new Set(['meta', 'peers', 'inbox', 'count']))
  for (const key of await client.keys(`*:${log}:*`)) {
    if (!key.endsWith(':meta')) expect(await client.pttl(key), key).toBeGreaterThan(0)
  }
  await one.leave()
  await two.leave()
  await expect.poll(async () => (await keys()).filter((part) => part !== 'meta'), PATIENT).toEqual([])
})

test('what is asked of all processes says so where Redis does not answer', async () => {
  const { hub } = await process(`news ${++name}`)
  await hub.stats({ everywhere: true })
  redis().freeze()
  undo.push(() => redis().thaw())
  await expect(hub.stats({ everywhere: true })).rejects.toMatchObject({ name: 'LogError', code: 'log-unknown' })
  redis().thaw()
  expect((await hub.stats({ everywhere: true })).processes).toBe(1)
})

test('what another program writes to the inbox of a process disturbs nobody', async () => {
  const log = `news${++name}`
  const [one, two] = [await process(log), await process(log)]
  await one.hub.stats({ everywhere: true })
  await two.hub.stats({ everywhere: true })
  for (const key of await one.client.keys(`*:${log}:inbox:*`)) {
    await one.client.xadd(key, '*', 'their', 'field')
    await one.client.xadd(key, '*', 'kind', 'question', 'number', '1', 'from', 'nobody', 'text', '{')
  }
  expect((await one.hub.stats({ everywhere: true })).processes).toBe(2)
})
