import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import { redisLogs } from '../../../src/redis/redis.ts'
import { createHub } from '../../../src/server/index.ts'

// One of several server processes: node server.ts <port of Redis>. It says its own port, and is killed.

const client = new Redis(Number(process.argv[2]), '127.0.0.1')
const logs = redisLogs(client, { onError() {} })
const hub = createHub({ log: logs.open('kill', { count: 1_000_000, bytes: 2 ** 30 }), retry: 50, onError() {} })
const server = createServer((request, response) => void hub.handle(request, response))
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port))
