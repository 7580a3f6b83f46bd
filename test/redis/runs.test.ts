import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { connect, storage } from '../../src/index.ts'
import type { Outcome } from '../../src/server/index.ts'
import { type Child, startChild } from '../helpers/child.ts'
import { open as openReader, type Reader } from '../helpers/reader.ts'
import { ask } from './cluster.ts'
import { startBalancer } from './kill/balancer.ts'
import type { RunsProcess } from './runs/process.ts'
import { ON_DISK, startRedis } from './server.ts'
import { during, PATIENT } from './world.ts'

// Runs over several processes, each a real one, that share nothing but a real Redis.

const redis = during(() => startRedis(...ON_DISK))
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})
let name = 0

async function start(takesOver = false) {
  const args = [String(redis().port), takesOver ? 'yes' : 'no']
  const child: Child<RunsProcess> = await startChild<RunsProcess>(new URL('./runs/process.ts', import.meta.url), {
    args,
  })
  undo.push(() => child.stop())
  const port = await child.call('listen')
  const join = async (id: string, lastEventId?: string): Promise<Reader> => {
    const reader = await openReader(`http://127.0.0.1:${port}/${id}`, { lastEventId })
    undo.push(() => reader.drop())
    return reader
  }
  return { ...child, port, join }
}

const numbersOf = ({ events }: Reader) => events.filter(({ type }) => type === 'message').map(({ data }) => data)
const outcomeOf = ({ events }: Reader): Outcome | undefined => {
  const last = events.at(-1)
  return last?.type === 'outcome' ? JSON.parse(last.data) : undefined
}
const upTo = (count: number) => Array.from({ length: count }, (_, n) => String(n))

test('a run is read at any process, resumed at another, and ended for all', async () => {
  const id = `run-${++name}`
  const [one, two, three] = [await start(), await start(), await start()]
  expect(await one.call('start', id, 100, 5)).toBe(true)
  expect(await two.call('start', id, 100, 5)).toBe(false)
  const first = await two.join(id)
  await first.until(30)
  first.drop()
  const had = first.events.length
  const [second, whole] = [await three.join(id, first.events.at(-1)?.id), await three.join(id)]
  await Promise.all([second.ended, whole.ended])
  expect(numbersOf(whole)).toEqual(upTo(100))
  expect([...numbersOf(first).slice(0, had), ...numbersOf(second)]).toEqual(upTo(100))
  expect([outcomeOf(second), outcomeOf(whole)]).toEqual([
    { state: 'finished', value: 100 },
    { state: 'finished', value: 100 },
  ])
  expect((await one.join(id, whole.events.at(-1)?.id)).status).toBe(204)
  expect((await one.call('list')).find((run) => run.id === id)).toMatchObject({ state: 'finished' })
})

test('a run is stopped from any process', async () => {
  const id = `run-${++name}`
  const [one, two] = [await start(), await start()]
  await one.call('start', id, 100_000, 5)
  const reader = await two.join(id)
  await reader.until(5)
  expect(await two.call('stop', id)).toBe(true)
  await reader.ended
  expect(outcomeOf(reader)).toEqual({ state: 'stopped', reason: 'enough' })
  await expect.poll(() => one.call('state', id), PATIENT).toBe('stopped')
})

test('of many who start one at the same moment one does, a thousand times', async () => {
  const all = [await start(), await start()]
  const made = await Promise.all(all.map((one) => one.call('startAll', 1000)))
  const both = made[0]?.map((isNew, n) => Number(isNew) + Number(made[1]?.[n]))
  expect(both).toEqual(Array(1000).fill(1))
  // Else they did not race.
  expect(made[0]?.filter(Boolean).length).toBeGreaterThan(0)
  expect(made[1]?.filter(Boolean).length).toBeGreaterThan(0)
  for (const one of all) expect(await one.call('errors')).toEqual([])
}, 60_000)

test('a producer that is killed is noticed, and its readers are told, wherever they are', async () => {
  const id = `run-${++name}`
  const [one, two, three] = [await start(), await start(), await start()]
  await one.call('start', id, 100_000, 5)
  const readers = [await two.join(id), await three.join(id)]
  await Promise.all(readers.map((reader) => reader.until(20)))
  await one.stop()
  const killed = performance.now()
  await Promise.all(readers.map(({ ended }) => ended))
  expect(performance.now() - killed).toBeLessThan(15_000)
  for (const reader of readers) {
    expect(outcomeOf(reader)).toEqual({ state: 'failed', code: 'producer-lost' })
    const numbers = numbersOf(reader)
    expect(numbers).toEqual(upTo(numbers.length))
  }
  expect(numbersOf(readers[0] as Reader)).toEqual(numbersOf(readers[1] as Reader))
}, 60_000)

test('a producer that was frozen finds its run over, and adds nothing to it', async () => {
  const id = `run-${++name}`
  const [one, two] = [await start(), await start()]
  await one.call('start', id, 100_000, 5)
  const reader = await two.join(id)
  await reader.until(20)
  process.kill(one.pid, 'SIGSTOP')
  await reader.ended
  expect(outcomeOf(reader)).toEqual({ state: 'failed', code: 'producer-lost' })
  process.kill(one.pid, 'SIGCONT')
  await expect.poll(() => one.call('state', id), PATIENT).toBe('failed')
  await sleep(500)
  const again = await two.join(id)
  await again.ended
  expect(again.events.map(({ data }) => data)).toEqual(reader.events.map(({ data }) => data))
}, 60_000)

test('a Redis that is away for two seconds costs a run nothing, whose appends wait', async () => {
  const id = `run-${++name}`
  const [one, two] = [await start(), await start()]
  await one.call('start', id, 300, 5)
  const reader = await two.join(id)
  await reader.until(20)
  await redis().restart(undefined, 2000)
  await reader.ended
  expect([numbersOf(reader), outcomeOf(reader)]).toEqual([upTo(300), { state: 'finished', value: 300 }])
  expect(reader.events.filter(({ type }) => type === 'gap')).toEqual([])
})

test('a run whose producer was killed is handed to one process, which goes on', async () => {
  const id = `run-${++name}`
  const [one, two, three] = [await start(), await start(true), await start(true)]
  await one.call('start', id, 100_000, 5)
  const reader = await two.join(id)
  // Whoever has asked for nothing has not noticed that there is anything.
  await three.call('list')
  await reader.until(20)
  await one.stop()
  await reader.ended
  expect(outcomeOf(reader)).toMatchObject({ state: 'finished' })
  const numbers = numbersOf(reader)
  expect(numbers).toEqual([...upTo(numbers.length - 1), 'taken over'])
  const taken = [...(await two.call('taken')), ...(await three.call('taken'))]
  expect(taken).toEqual([id])
}, 60_000)

test('readers’ processes are killed, and Redis is restarted: each reader has every event once, and the end', async () => {
  const id = `run-${++name}`
  const producer = await start()
  let readersAt = [await start(), await start()]
  await producer.call('start', id, 1500, 4)
  const all = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const heard: string[] = []
      let last: string | undefined
      let outcome: Outcome | undefined
      for (let tries = 0; !outcome && tries < 200; tries++) {
        await sleep(50 + n * 5)
        const reader = await (readersAt[(n + tries) % 2] as (typeof readersAt)[0]).join(id, last).catch(() => undefined)
        if (reader?.status !== 200) {
          if (reader?.status === 204) break
          continue
        }
        if (n === 0 && tries === 3) {
          await readersAt[0]?.stop()
          readersAt = [await start(), readersAt[1] as (typeof readersAt)[0]]
        }
        if (n === 1 && tries === 4) await redis().restart()
        await Promise.race([reader.ended, sleep(300 + Math.random() * 600)])
        reader.drop()
        heard.push(...numbersOf(reader))
        last = reader.events.at(-1)?.id ?? last
        outcome = outcomeOf(reader)
        expect(reader.events.filter(({ type }) => type === 'gap')).toEqual([])
      }
      return { heard, outcome }
    }),
  )
  const [{ outcome } = { outcome: undefined }] = all
  // The restart may have cost the producer an append; whatever was told is the same to all.
  for (const each of all) {
    expect(each.outcome).toEqual(outcome)
    expect(each.heard).toEqual(upTo(each.heard.length))
    expect(each.heard.length).toBe(all[0]?.heard.length)
  }
  expect(outcome?.state).toMatch(/finished|failed/)
}, 120_000)

test('a long answer is whole for fifty readers that are cut, reloaded, and join anywhere, while their servers are killed', async () => {
  const id = `run-${++name}`
  const COUNT = 5000
  const balancer = await startBalancer()
  undo.push(() => balancer.close())
  const add = async () => {
    const server = await start()
    balancer.backends.add(server.port)
    return server
  }
  // The one that produces is not behind the balancer: it is to live.
  const producer = await start()
  const servers = [await add(), await add()]
  await producer.call('start', id, COUNT, 1)
  let cuts = 0
  let reloads = 0
  const readers = Array.from({ length: 50 }, async (_, n) => {
    await sleep(Math.random() * 4000)
    const heard: string[] = []
    const kept = new Map<string, string>()
    const resume = storage({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) })
    for (let life = 0; ; life++) {
      const connection = connect(`${balancer.url}${id}`, {
        resume,
        retry: { base: 10, max: 200 },
        onState: ({ state }) => {
          if (state === 'waiting') cuts++
        },
        onError: () => {},
        onGap: () => heard.push('a gap'),
      })
      connection.on(({ data }) => heard.push(data))
      undo.push(connection.close)
      // Some pages are reloaded in the middle of it.
      const isReloaded = n % 2 === 0 && life < 2
      const left = isReloaded ? sleep(500 + Math.random() * 3000) : new Promise<never>(() => {})
      const reason = await Promise.race([connection.closed, left])
      if (reason) return { heard, outcome: connection.outcome }
      connection.close()
      reloads++
    }
  })
  const all = Promise.all(readers)
  let isOver = false
  void all.finally(() => {
    isOver = true
  })
  for (let round = 0; !isOver; round++) {
    await sleep(60)
    balancer.cut(0.3)
    if (round % 30 !== 15) continue
    // One after the other is killed, and replaced.
    const [old] = servers.splice(0, 1)
    balancer.backends.delete(old?.port as number)
    await old?.stop()
    servers.push(await add())
  }
  for (const { heard, outcome } of await all) {
    expect(heard).toEqual(upTo(COUNT))
    expect(outcome).toEqual({ state: 'finished', value: COUNT })
  }
  // Else it proves little.
  expect(cuts).toBeGreaterThan(500)
  expect(reloads).toBeGreaterThan(20)
}, 120_000)

test('nothing without an expiry stays in Redis', async () => {
  const one = await start()
  const id = `run-${++name}`
  await one.call('start', id, 20, 0)
  const reader = await one.join(id)
  await reader.ended
  await one.join('nobody-has-begun-this')
  await one.call('close')
  expect(Number(ask(redis().port, 'DBSIZE'))).toBeGreaterThan(0)
  // In one moment: what has expired meanwhile has no time left either.
  const find = `local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', key) == -1 then found[#found + 1] = key end end
return found`
  expect(ask(redis().port, 'EVAL', find, '0').split('\n').filter(Boolean)).toEqual([])
  expect(ask(redis().port, 'KEYS', '*nobody*').trim()).toBe('')
})
