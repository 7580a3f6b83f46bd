import { describe } from 'vitest'
import { connectionOf } from '../../src/redis/client.ts'
import { CLIENTS } from './clients.ts'
import { startRedis } from './server.ts'
import { during, testLog } from './world.ts'

describe.each(Object.entries(CLIENTS))('the log on Redis, over %s', (_, connectTo) => {
  const redis = during(startRedis)
  testLog(
    () => connectTo(redis().port),
    async ({ client }) => void (await connectionOf(client, () => {}).send('', 'FLUSHALL')),
  )
})
