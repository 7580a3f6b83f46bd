export type { IoRedisClient, NodeRedisClient, RedisClient } from './client.ts'
export { type RedisLogs, type RedisLogsOptions, redisLogs } from './redis.ts'
export type { RedisLog, RedisLogOptions } from './redis-log.ts'
export type { AppendQueue } from './waiting.ts'
