import cluster from 'node:cluster'
import { createServer } from 'node:http'
import { availableParallelism } from 'node:os'
import { Redis } from 'ioredis'
import { redisLogs } from 'unmissed/redis'
import { createHub } from 'unmissed/server'

if (cluster.isPrimary) {
  for (let at = 0; at < availableParallelism(); at++) cluster.fork()
  cluster.on('exit', () => cluster.fork()) // one that died is replaced, and its readers resume at another
} else {
  const client = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1')
  const hub = createHub({ log: redisLogs(client).open('news') })
  createServer(hub.handle).listen(process.env['PORT'] ?? 3000)
}
