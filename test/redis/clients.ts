import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { createClient } from 'redis'
import { createClient as createClient4 } from 'redis4'
import { createClient as createClient5 } from 'redis5'
import type { RedisClient } from '../../src/redis/client.ts'

/** A client, and how it is left. */
export interface Connected {
  readonly client: RedisClient
  leave(): unknown
}

const url = (port: number) => `redis://127.0.0.1:${port}`

export const CLIENTS: Record<string, (port: number) => Promise<Connected>> = {
  async 'ioredis 6'(port) {
    const client = new Redis(port, '127.0.0.1')
    return { client, leave: () => client.disconnect() }
  },
  async 'ioredis 5'(port) {
    const client = new Redis5(port, '127.0.0.1')
    return { client, leave: () => client.disconnect() }
  },
  async 'node-redis 6'(port) {
    const client = createClient({ url: url(port) })
    await client.connect()
    return { client, leave: () => client.destroy() }
  },
  async 'node-redis 5'(port) {
    const client = createClient5({ url: url(port) })
    await client.connect()
    return { client, leave: () => client.destroy() }
  },
  async 'node-redis 4'(port) {
    const client = createClient4({ url: url(port) })
    await client.connect()
    return { client, leave: () => client.disconnect() }
  },
}
