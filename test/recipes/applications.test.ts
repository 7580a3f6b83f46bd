import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { listen, shut } from '../helpers/listen.ts'
import { open, type Reader } from '../helpers/reader.ts'
import * as eventLog from './event-log.ts'
import * as exporting from './export.ts'
import * as feed from './feed.ts'
import * as logTail from './log-tail.ts'
import * as notifications from './notifications.ts'
import * as rooms from './rooms.ts'

const data = (reader: Reader) => reader.events.map((event) => event.data)

let running: Server | undefined
afterEach(() => running && shut(running))

async function start(server: Server): Promise<string> {
  running = server
  return `http://127.0.0.1:${await listen(server)}`
}

it('rooms: who listens in one hears what is said there, and only there', async () => {
  const url = await start(rooms.server)
  const [kitchen, garden] = await Promise.all([open(`${url}/kitchen`), open(`${url}/garden`)])
  await fetch(`${url}/garden`, { method: 'POST', body: 'it rains' })
  const { id } = await rooms.hub.publish({ type: 'said', data: 'it boils' }, { topic: '/kitchen' })
  expect(await kitchen.until(1)).toEqual([{ type: 'said', data: 'it boils', id }])
  expect(await garden.until(1)).toMatchObject([{ type: 'said', data: 'it rains' }])
})

it('notifications: all connections of one user get them, also after a moment away, and nobody else', async () => {
  const url = await start(notifications.server)
  const as = (token: string, lastEventId?: string) =>
    open(url, { lastEventId, headers: token ? { authorization: `Bearer ${token}` } : {} })
  expect((await as('')).status).toBe(401)
  expect((await as('a guess')).status).toBe(401)
  const [phone, laptop, bob] = await Promise.all([as('token-of-ada'), as('token-of-ada'), as('token-of-bob')])
  await notifications.notify('ada', 'one')
  await Promise.all([phone.until(1), laptop.until(1)])
  phone.drop()
  await notifications.notify('ada', 'two')
  await notifications.notify('bob', 'hello')
  const again = await as('token-of-ada', phone.events[0]?.id)
  await Promise.all([again.until(1), laptop.until(2), bob.until(1)])
  expect([data(phone), data(again), data(laptop), data(bob)]).toEqual([['one'], ['two'], ['one', 'two'], ['hello']])
})

it('progress of an export: goes on where it was after a cut, and keeps a reader away that has all', async () => {
  const url = await start(exporting.server)
  const first = await open(url)
  await first.until(30)
  first.drop()
  const second = await open(url, { lastEventId: first.events[29]?.id })
  await second.ended
  const seen = [...first.events.slice(0, 30), ...second.events]
  expect(seen.map((event) => JSON.parse(event.data).percent)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  expect((await open(url, { lastEventId: seen.at(-1)?.id })).status).toBe(204)
})

it('filtered feed: a reader sees what it asked for, live and replayed', async () => {
  const url = `${await start(feed.server)}/?symbol=XYZ&above=100`
  const trade = (symbol: string, price: number) => feed.hub.publish({ type: 'trade', data: { symbol, price } })
  const prices = (reader: Reader) => reader.events.map((event) => JSON.parse(event.data).price)
  const first = await open(url)
  for (const [symbol, price] of [
    ['XYZ', 99],
    ['ABC', 101],
    ['XYZ', 102],
  ] as const)
    await trade(symbol, price)
  await first.until(1)
  first.drop()
  for (const [symbol, price] of [
    ['XYZ', 98],
    ['XYZ', 103],
    ['ABC', 104],
  ] as const)
    await trade(symbol, price)
  const second = await open(url, { lastEventId: first.events[0]?.id })
  await trade('XYZ', 105)
  await second.until(2)
  expect([prices(first), prices(second)]).toEqual([[102], [103, 105]])
})

it('event log: a new reader gets everything from the start, one that returns what it missed', async () => {
  await eventLog.log('one')
  await eventLog.log('two')
  const url = await start(eventLog.server)
  const first = await open(url)
  await eventLog.log('three')
  await first.until(3)
  first.drop()
  await eventLog.log('four')
  const [returned, fresh] = await Promise.all([open(url, { lastEventId: first.events[2]?.id }), open(url)])
  await Promise.all([returned.until(1), fresh.until(4)])
  expect([data(first), data(returned), data(fresh)]).toEqual([
    ['one', 'two', 'three'],
    ['four'],
    ['one', 'two', 'three', 'four'],
  ])
})

it('log tail: each line of a file as it is written, also after the file was rotated', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'unmissed-tail-'))
  const file = join(folder, 'app.log')
  await writeFile(file, 'old\n')
  const unfollow = logTail.follow(file)
  const reader = await open(await start(logTail.server))
  try {
    // `tail` says nowhere that it is ready.
    while (reader.events.length === 0) {
      await appendFile(file, 'ready\n')
      await sleep(50)
    }
    await rename(file, `${file}.1`)
    await writeFile(file, 'first: after the rotation\n')
    await appendFile(file, 'second: é\n')
    await expect
      .poll(() => data(reader).slice(-2), { timeout: 10_000 })
      .toEqual(['first: after the rotation', 'second: é'])
    expect(data(reader)).not.toContain('old')
  } finally {
    unfollow()
    await rm(folder, { recursive: true })
  }
})
