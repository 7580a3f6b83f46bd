import { closed } from '../log/errors.ts'
import type { Logs } from '../log/log.ts'
import { checkOpen, checkRedisLogs } from './check-options.ts'
import { type Connection, connectionOf, type RedisClient } from './client.ts'
import { Core } from './core.ts'
import { type Home, RedisLog, type RedisLogOptions } from './handle.ts'
import { keysOf } from './keys.ts'
import { Reader } from './reader.ts'
import { Runner } from './runner.ts'
import { type AppendQueue, WaitingLine } from './waiting.ts'
import { Watch } from './watch.ts'

export interface RedisLogsOptions {
  /** What every key begins with. Default: `unmissed:`. */
  readonly prefix?: string | undefined
  /**
   * Has an append wait while Redis is away, and repeats it until Redis has it. Default: it rejects at once, with `log-away`
   * or, where it may have been done, with `log-unknown`.
   */
  readonly queue?: AppendQueue | undefined
  /** Hears of trouble that nobody else is told, the client's own included. Default: `console.error`. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** Logs on Redis: the same for every process that uses it. */
export interface RedisLogs extends Logs {
  open(name: string, options?: RedisLogOptions): RedisLog
  close(): void
}

/** Opens logs on the Redis of a client of ioredis or node-redis, which stays its owner's. */
export function redisLogs(client: RedisClient, options: RedisLogsOptions = {}): RedisLogs {
  return new Redis(client, options)
}

class Redis implements RedisLogs, Home {
  readonly reader: Reader
  readonly waiting: WaitingLine | undefined
  readonly connection: Connection
  readonly #runner: Runner
  readonly #prefix: string
  readonly #watch: Watch
  /** By name, with how many have it open. */
  readonly #cores = new Map<string, { readonly core: Core; users: number }>()
  readonly #opened = new Set<RedisLog>()
  #isClosed = false

  constructor(client: RedisClient, options: RedisLogsOptions) {
    checkRedisLogs(options)
    const { prefix = 'unmissed:', queue, onError = console.error } = options
    const tell = (error: unknown): void => {
      try {
        if (!this.#isClosed) onError(error)
      } catch {}
    }
    const connection = connectionOf(client, tell)
    this.connection = connection
    this.#runner = new Runner(connection, tell)
    this.reader = new Reader(connection, this.#runner, prefix, tell)
    this.#watch = new Watch(this.#runner, connection.isCluster)
    this.waiting = queue && new WaitingLine(queue)
    this.#prefix = prefix
  }

  open(name: string, options: RedisLogOptions = {}): RedisLog {
    this.check()
    checkOpen(name, options)
    let known = this.#cores.get(name)
    if (!known) {
      known = { core: new Core(keysOf(this.#prefix, name), this.#runner), users: 0 }
      this.#cores.set(name, known)
    }
    known.users++
    const log = new RedisLog(this, name, known.core, options)
    this.#opened.add(log)
    return log
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const log of this.#opened) log.close()
    this.waiting?.close()
    this.#watch.close()
    this.reader.close()
    this.connection.leave()
  }

  appended(core: Core): void {
    if (!this.#isClosed) this.#watch.add(core)
  }

  forget(log: RedisLog): void {
    this.#opened.delete(log)
    const known = this.#cores.get(log.name)
    if (!known || --known.users) return
    this.#cores.delete(log.name)
    this.#watch.forget(log.core)
  }

  check(): void {
    if (this.#isClosed) throw closed()
  }
}
