import { closed } from '../log/errors.ts'
import type {
  Appended,
  AppendOptions,
  Bounds,
  Follower,
  Following,
  Log,
  LogOptions,
  Message,
  Page,
  Peers,
  Position,
} from '../log/log.ts'
import type { Connection } from './client.ts'
import type { Core, Keep } from './core.ts'
import { RedisPeers } from './peers.ts'
import type { Reader } from './reader.ts'
import type { WaitingLine } from './waiting.ts'

/** What a log on Redis may keep. */
export interface RedisLogOptions extends LogOptions {
  /** How long an idempotency key is remembered, in milliseconds. Default: 3600000. */
  readonly keyLife?: number | undefined
}

/** Where a handle finds what all logs share. */
export interface Home {
  readonly reader: Reader
  readonly connection: Connection
  /** Where appends wait while Redis is away, if they do. */
  readonly waiting: WaitingLine | undefined
  /** Throws where all logs are closed. */
  check(): void
  /** Hears that a log has been appended to. */
  appended(core: Core): void
  /** Lets go of a handle. */
  forget(log: RedisLog): void
}

/** No bound, as a number that a script can read. */
const ENDLESS = 9e15

/** A handle on the log of a name. */
export class RedisLog implements Log {
  readonly name: string
  readonly core: Core
  readonly #home: Home
  readonly #keep: Keep
  readonly #followings = new Set<Following>()
  readonly #peers = new Set<RedisPeers>()
  #isClosed = false

  constructor(home: Home, name: string, core: Core, options: RedisLogOptions) {
    const { count = 1000, bytes = 2 ** 24, age = -1, keyLife = 3_600_000 } = options
    this.#home = home
    this.name = name
    this.core = core
    const most = (bound: number) => Math.min(bound, ENDLESS)
    // Redis takes whole milliseconds, and none for a mistake.
    const life = Math.max(1, Math.ceil(most(keyLife)))
    this.#keep = { count: most(count), bytes: most(bytes), age: age < ENDLESS ? age : -1, keyLife: life }
  }

  /** How long an append may wait for Redis, in milliseconds. */
  get patience(): number | undefined {
    return this.#home.waiting?.within
  }

  append(message: Message, { idempotencyKey }: AppendOptions = {}): Promise<Appended> {
    try {
      this.#check()
    } catch (error) {
      return Promise.reject(error)
    }
    const { waiting } = this.#home
    this.#home.appended(this.core)
    if (!waiting) return this.core.append(message, idempotencyKey, this.#keep)
    const key = idempotencyKey ?? waiting.key()
    return waiting.add(message.frame.length + 200, () => this.core.append(message, key, this.#keep))
  }

  async read(after: Position, limit: number): Promise<Page | undefined> {
    this.#check()
    return this.core.read(after, limit)
  }

  async bounds(): Promise<Bounds> {
    this.#check()
    const { start: _, ...bounds } = await this.core.bounds()
    return bounds
  }

  async locate(id: string): Promise<Position | undefined> {
    this.#check()
    return this.core.locate(id)
  }

  async continues(position: Position): Promise<Position | undefined> {
    this.#check()
    return this.core.continues(position)
  }

  async follow(follower: Follower, after?: Position): Promise<Following> {
    this.#check()
    const following = await this.#home.reader.follow(this.core, follower, after)
    if (this.#isClosed) following.close()
    const { epoch, offset } = following
    const closing: Following = {
      epoch,
      offset,
      close: () => {
        this.#followings.delete(closing)
        following.close()
      },
    }
    this.#followings.add(closing)
    return closing
  }

  join(answer: (question: string) => string): Peers {
    this.#check()
    const peers = new RedisPeers(this.#home.connection, this.#home.reader, this.core.keys, answer)
    this.#peers.add(peers)
    return peers
  }

  async seal(): Promise<Position> {
    this.#check()
    return this.core.seal()
  }

  async expire(within: number): Promise<void> {
    this.#check()
    return this.core.expire(Math.min(within, ENDLESS))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const following of this.#followings) following.close()
    for (const peers of this.#peers) peers.close()
    this.#home.forget(this)
  }

  #check() {
    this.#home.check()
    if (this.#isClosed) throw closed()
  }
}
