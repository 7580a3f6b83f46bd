import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { redisLogs } from '../../../src/redis/redis.ts'
import { createPublisher } from '../../../src/server/index.ts'

// A process without readers: node publisher.ts <port of Redis> <name> <queue?>. It publishes numbers until it is told to
// stop, and says which were taken, and which not.

const [, , port, name, isQueued] = process.argv
const client = new Redis(Number(port), '127.0.0.1')
const logs = redisLogs(client, { onError() {}, ...(isQueued && { queue: { within: 60_000 } }) })
const log = logs.open('kill', { count: 1_000_000, bytes: 2 ** 30 })
const publisher = createPublisher(log, { onError() {} })
const taken: number[] = []
const rejected: number[] = []
let isStopping = false
process.on('message', () => {
  isStopping = true
})

const publish = (at: number): Promise<unknown> =>
  publisher.publish({ data: `${name} ${at}` }).then(
    () => taken.push(at),
    () => rejected.push(at),
  )

const all: Promise<unknown>[] = []
for (let at = 0; !isStopping; at++) {
  const published = publish(at)
  // Without a queue only who waits for the answer has an order.
  if (isQueued) all.push(published)
  else await published
  await sleep(20)
}
await Promise.all(all)
process.send?.({ taken, rejected })
logs.close()
client.disconnect()
process.disconnect?.()
