/** The job that both servers hear: it publishes the next number, twenty times a second, and which servers there are by then. */
import { Redis } from 'ioredis'
import { redisLogs } from 'unmissed/redis'
import { createPublisher } from 'unmissed/server'

const RHYTHM = 50

const client = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1')
const { publish } = createPublisher(redisLogs(client, { queue: {} }).open('twins'))
let n = 0
let servers: unknown = []
setInterval(() => {
  const data = { n: ++n, servers }
  void publish({ type: 'tick', data })
  void client.publish('twins by hand', JSON.stringify(data))
}, RHYTHM)

process.on('message', (now) => {
  servers = now
})
process.on('disconnect', () => process.exit())
