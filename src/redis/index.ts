export type { IoRedisClient, NodeRedisClient, RedisClient } from './client.ts'
export type { RedisLog, RedisLogOptions } from './handle.ts'
export { type RedisLogs, type RedisLogsOptions, redisLogs } from './redis.ts'
export type { AppendQueue } from './waiting.ts'
