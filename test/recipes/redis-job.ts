import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { redisLogs } from 'unmissed/redis'
import { createPublisher } from 'unmissed/server'

/** A worker of a queue: it has no readers, and tells those of the servers how far it is. */
const client = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1')
const { publish } = createPublisher(redisLogs(client, { queue: {} }).open('news'))

for (;;) {
  const [, taken = ''] = (await client.blpop('jobs', 0)) ?? []
  const { id, user } = JSON.parse(taken)
  for (const percent of [25, 50, 75, 100]) {
    await sleep(5) // the work
    await publish({ type: 'progress', data: { id, percent } }, { user }, { idempotencyKey: `${id} ${percent}` })
  }
}
