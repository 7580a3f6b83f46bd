import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { redisLogs } from 'unmissed/redis'
import { createHub } from 'unmissed/server'

/** As many of these as you like, behind any balancer. */
const client = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1')
const logs = redisLogs(client)
const hub = createHub({ log: logs.open('news', { count: 100_000 }) })
const server = createServer(hub.handle).listen(process.env['PORT'] ?? 3000)

process.on('SIGTERM', async () => {
  server.close()
  await hub.close() // its readers resume at the next one
  logs.close()
  client.disconnect()
})
