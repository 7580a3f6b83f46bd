import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import type { Entry } from '../../src/log/log.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { startRedis } from './server.ts'
import { during } from './world.ts'

const redis = during(startRedis)

test('two publishers that race 100,000 events: everybody reads one order, each of theirs in its own', async () => {
  const clients = [0, 1, 2, 3].map(() => new Redis(redis().port, '127.0.0.1'))
  const all = clients.map((client) => redisLogs(client))
  const logs = all.map((each) => each.open('race', { count: 1000 }))
  const [one, two, three, four] = logs as [(typeof logs)[0], (typeof logs)[0], (typeof logs)[0], (typeof logs)[0]]
  const heard: string[][] = [[], []]
  for (const [at, log] of [three, four].entries()) {
    await log.follow({
      entries: (entries: readonly Entry[]) => {
        for (const { message } of entries) heard[at]?.push(message.frame)
      },
      end() {},
      error(error) {
        throw error
      },
    })
  }
  const publish = async (log: typeof one, name: string) => {
    const offsets: number[] = []
    for (let at = 0; at < 50_000; at += 100) {
      const some = Array.from({ length: 100 }, (_, index) =>
        log.append({ frame: `${name}${at + index}`, type: 'message' }),
      )
      for (const { offset } of await Promise.all(some)) offsets.push(offset)
      // Followers that fall behind what is kept would be told; these are to hear all.
      while (Math.min(...heard.map(({ length }) => length)) < (offsets.at(-1) as number) - 500)
        await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return offsets
  }
  const offsets = await Promise.all([publish(one, 'a'), publish(two, 'b')])
  await expect.poll(() => heard.map(({ length }) => length), { timeout: 20_000 }).toEqual([100_000, 100_000])
  expect(heard[0]).toEqual(heard[1])
  expect(new Set(offsets.flat()).size).toBe(100_000)
  for (const [at, name] of ['a', 'b'].entries()) {
    expect(offsets[at]).toEqual([...(offsets[at] as number[])].sort((x, y) => x - y))
    expect(heard[0]?.filter((each) => each.startsWith(name))).toEqual(
      Array.from({ length: 50_000 }, (_, index) => `${name}${index}`),
    )
  }
  for (const each of all) each.close()
  for (const client of clients) client.disconnect()
}, 60_000)
