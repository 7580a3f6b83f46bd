import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { createClient, createCluster, createSentinel } from 'redis'
import { createClient as createClient4, createCluster as createCluster4 } from 'redis4'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis5'
import { redisLogs } from '../../src/redis/index.ts'
import { createHub } from '../../src/server/index.ts'

// Every client that is taken is taken as it is, and nothing else.

redisLogs(new Redis())
redisLogs(new Cluster([]))
redisLogs(new Redis5())
redisLogs(new Cluster5([]))
redisLogs(createClient())
redisLogs(createCluster({ rootNodes: [] }))
redisLogs(createSentinel({ name: 'mine', sentinelRootNodes: [] }))
redisLogs(createClient5())
redisLogs(createCluster5({ rootNodes: [] }))
redisLogs(createClient4())
redisLogs(createCluster4({ rootNodes: [] }))

// @ts-expect-error no client
redisLogs({})
// @ts-expect-error an address is none
redisLogs('redis://127.0.0.1')

createHub({ log: redisLogs(new Redis()).open('news', { count: 100_000 }) })
redisLogs(new Redis(), { prefix: 'app:', queue: { count: 10, bytes: 1000, within: 5000 }, onError: console.error })
// @ts-expect-error no such bound
redisLogs(new Redis()).open('news', { length: 10 })
