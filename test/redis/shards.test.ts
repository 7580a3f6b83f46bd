import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { redisLogs } from '../../src/redis/index.ts'
import { createPublisher } from '../../src/server/index.ts'
import { ON_DISK, startRedis } from './server.ts'
import { connected, during, PATIENT, startProcess, startReader, undoing } from './world.ts'

// Topics spread over several logs on a real Redis, and processes that are no more than readers of them.

const redis = during(() => startRedis(...ON_DISK))
const undo = undoing()
const TOPICS = Array.from({ length: 20 }, (_, n) => `room/${n}`)
let name = 0

async function process(base: string, count = 6) {
  const names = Array.from({ length: count }, (_, index) => `${base} ${index}`)
  const started = await startProcess(await connected('ioredis 6', redis().port), names, {
    heartbeat: 500,
    subscription: ({ url }) => ({ topics: new URL(url ?? '', 'http://a').searchParams.getAll('topic') }),
  })
  undo.push(started.leave)
  return started
}

const at = (url: string, topics: readonly string[]) =>
  `${url}?${new URLSearchParams(topics.map((topic) => ['topic', topic]))}`

test('each reader has every event of its topics once and in their order, over two processes and a restart of Redis', async () => {
  const base = `rooms ${++name}`
  const [one, two] = [await process(base), await process(base)]
  const readers = Array.from({ length: 12 }, (_, n) => {
    const topics = TOPICS.filter((_, index) => index % 12 === n || index === n % 5)
    return { topics, ...startReader(undo, at([one, two][n % 2]?.url as string, topics)) }
  })
  await Promise.all(readers.map(({ opened }) => opened))
  const published = new Map<string, string[]>(TOPICS.map((topic) => [topic, []]))
  const publish = async (n: number) => {
    const topic = TOPICS[n % TOPICS.length] as string
    const data = `${topic} ${n}`
    for (;;) {
      try {
        await (n % 3 ? one : two).hub.publish({ data }, { topic }, { idempotencyKey: `${base} ${n}` })
        published.get(topic)?.push(data)
        return
      } catch {
        await sleep(100)
      }
    }
  }
  for (let n = 0; n < 600; n++) {
    await publish(n)
    if (n === 200) await redis().restart()
    if (n % 100 === 50) readers[n % readers.length]?.connection.reconnect()
  }
  for (const { topics, heard, gaps } of readers) {
    const expected = topics.map((topic) => published.get(topic))
    await expect
      .poll(() => topics.map((topic) => heard.filter((data) => data.startsWith(`${topic} `))), PATIENT)
      .toEqual(expected)
    expect(gaps).toEqual([])
  }
})

test('a reader resumes at another process, in logs that it has never followed', async () => {
  const base = `rooms ${++name}`
  const one = await process(base)
  const topics = TOPICS.slice(0, 7)
  const first = startReader(undo, at(one.url, topics))
  await first.opened
  await one.hub.publish({ data: 'first' }, { topic: topics[0] as string })
  await expect.poll(() => first.heard, PATIENT).toEqual(['first'])
  const { lastEventId } = first.connection
  first.connection.close()
  // From a process without readers.
  const { client, leave } = await connected('node-redis 6', redis().port)
  undo.push(leave)
  const logs = redisLogs(client, { onError: () => {} })
  undo.push(() => logs.close())
  const publisher = createPublisher(Array.from({ length: 6 }, (_, index) => logs.open(`${base} ${index}`)))
  for (const topic of TOPICS) await publisher.publish({ data: topic }, { topic })
  const two = await process(base)
  const second = startReader(undo, at(two.url, topics), { lastEventId })
  await expect.poll(() => [...second.heard].sort(), PATIENT).toEqual([...topics].sort())
  expect(second.gaps).toEqual([])
})

test('a process reads the streams that it has readers for, and no others', async () => {
  const base = `rooms ${++name}`
  const [one, two] = [await process(base), await process(base)]
  const reader = startReader(undo, at(one.url, [TOPICS[0] as string]))
  await reader.opened
  for (let n = 0; n < 40; n++) await two.hub.publish({ data: 'x' }, { topic: TOPICS[n % TOPICS.length] as string })
  await expect.poll(() => reader.heard.length, PATIENT).toBe(2)
  // What Redis itself has seen: the streams that are named in reads.
  const seen = await watchReads(one.send, two.hub.publish.bind(two.hub, { data: 'y' }, { topic: TOPICS[0] as string }))
  expect(seen.map((key) => key.replace(/^.*%20(\d+):entries$/, '$1')).sort()).toEqual(['0', expect.any(String)].sort())
})

/** Which streams of entries are read while something is published, by Redis’s own account. */
async function watchReads(
  send: (...args: string[]) => Promise<unknown>,
  publish: () => Promise<unknown>,
): Promise<string[]> {
  await send('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
  await send('SLOWLOG', 'RESET')
  for (let n = 0; n < 5; n++) {
    await publish()
    await sleep(50)
  }
  const entries = (await send('SLOWLOG', 'GET', '200')) as [number, number, number, string[]][]
  await send('CONFIG', 'SET', 'slowlog-log-slower-than', '10000')
  const keys = entries
    .filter(([, , , [command]]) => String(command).toLowerCase() === 'xread')
    .flatMap(([, , , words]) => words.map(String).filter((word) => word.endsWith(':entries')))
  return [...new Set(keys)]
}
