import { afterAll, beforeAll, describe, test } from 'vitest'
import { logCases } from '../../src/log/suite.ts'
import { connectionOf } from '../../src/redis/client.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { CLIENTS, type Connected } from './clients.ts'
import { type RedisServer, startRedis } from './server.ts'

describe.each(Object.entries(CLIENTS))('the log on Redis, over %s', (_, connectTo) => {
  let server: RedisServer
  let one: Connected
  let two: Connected
  beforeAll(async () => {
    server = await startRedis()
    one = await connectTo(server.port)
    two = await connectTo(server.port)
  })
  afterAll(async () => {
    one.leave()
    two.leave()
    await server.stop()
  })

  let count = 0
  const all: { close(): unknown }[] = []
  afterAll(() => {
    for (const logs of all) logs.close()
  })
  const cases = logCases(({ keep }) => {
    // Each case has keys of its own, and each handle is of one of two processes.
    const prefix = `case${++count}:`
    const logs = [one, two].map(({ client }) => redisLogs(client, { prefix }))
    all.push(...logs)
    let opened = 0
    return {
      open: (name) => (logs[opened++ % 2] as (typeof logs)[0]).open(name, { count: keep }),
      lose: async () => void (await connectionOf(one.client, () => {}).send('', 'FLUSHALL')),
    }
  })
  for (const { name, run } of cases) test(name, run)
})
