import { closed } from '../log/errors.ts'
import type { Logs } from '../log/log.ts'
import { type Connection, connectionOf, type RedisClient } from './client.ts'
import { keysOf } from './keys.ts'
import { Reader } from './reader.ts'
import { type Home, RedisLog, type RedisLogOptions } from './redis-log.ts'

export interface RedisLogsOptions {
  /** What every key begins with. Default: `unmissed:`. */
  readonly prefix?: string | undefined
  /** Hears of trouble that nobody else is told. Default: none. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Logs on Redis: the same for every process that uses it. */
export interface RedisLogs extends Logs {
  open(name: string, options?: RedisLogOptions): RedisLog
}

/** Opens logs on the Redis of a client of ioredis or node-redis, which stays its owner's. */
export function redisLogs(client: RedisClient, options: RedisLogsOptions = {}): RedisLogs {
  return new Redis(connectionOf(client), options)
}

class Redis implements RedisLogs, Home {
  readonly connection: Connection
  readonly reader: Reader
  readonly #prefix: string
  readonly #opened = new Set<RedisLog>()
  #isClosed = false

  constructor(connection: Connection, { prefix = 'unmissed:', onError }: RedisLogsOptions) {
    this.connection = connection
    this.reader = new Reader(connection, (error) => onError?.(error))
    this.#prefix = prefix
  }

  open(name: string, options: RedisLogOptions = {}): RedisLog {
    this.check()
    const log = new RedisLog(this, name, keysOf(this.#prefix, name), options)
    this.#opened.add(log)
    return log
  }

  close(): void {
    this.#isClosed = true
    for (const log of this.#opened) log.close()
    this.reader.close()
  }

  forget(log: RedisLog): void {
    this.#opened.delete(log)
  }

  check(): void {
    if (this.#isClosed) throw closed()
  }
}
