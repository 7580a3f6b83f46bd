import { closed, LogError, sealed } from '../log/errors.ts'
import {
  type Appended,
  type AppendOptions,
  type Bounds,
  type Entry,
  type Follower,
  type Following,
  type Log,
  type LogOptions,
  type Message,
  newEpoch,
  type Page,
  type Position,
} from '../log/log.ts'
import type { Connection } from './client.ts'
import { entryOf, type RawEntry, stored } from './entries.ts'
import type { Keys } from './keys.ts'
import type { Reader } from './reader.ts'
import { run, type ScriptName } from './scripts.ts'

/** What a log on Redis may keep. */
export interface RedisLogOptions extends LogOptions {
  /** How long an idempotency key is remembered, in milliseconds. Default: 3600000. */
  readonly keyLife?: number | undefined
}

/** Where a handle finds what all logs share. */
export interface Home {
  readonly connection: Connection
  readonly reader: Reader
  /** Throws where all logs are closed. */
  check(): void
  /** Lets go of a handle. */
  forget(log: RedisLog): void
}

/** No bound, as a number that a script can read. */
const ENDLESS = 9e15

/** A handle on the log of a name. */
export class RedisLog implements Log {
  readonly name: string
  readonly keys: Keys
  readonly #home: Home
  readonly #options: RedisLogOptions
  readonly #followings = new Set<Following>()
  #closed = false

  constructor(home: Home, name: string, keys: Keys, options: RedisLogOptions) {
    this.#home = home
    this.name = name
    this.keys = keys
    this.#options = options
  }

  async append(message: Message, { idempotencyKey: key }: AppendOptions = {}): Promise<Appended> {
    const { count = 1000, bytes = 2 ** 24, age = ENDLESS, keyLife = 3_600_000 } = this.#options
    const bounds = [count, bytes, age, keyLife].map((bound) => String(Math.min(bound, ENDLESS)))
    const keys = key === undefined ? [] : [this.keys.idempotency(key)]
    const reply = await this.#run('append', [...stored(message), ...bounds, message.id ?? ''], keys)
    const [epoch, offset, repeated, id] = reply as [string, number, number, string]
    const position = { epoch, offset: Number(offset), ...(id && { id }) }
    return repeated ? { ...position, repeated: true } : position
  }

  async read({ epoch, offset }: Position, limit: number): Promise<Page | undefined> {
    const reply = await this.#run('read', [String(offset), String(limit)])
    const [now, newest, oldest, raw] = reply as [string, number, number, RawEntry[]]
    if (epoch !== now || offset > newest || offset + 1 < Number(oldest)) return undefined
    const entries = raw.map(entryOf).filter((entry): entry is Entry => typeof entry === 'object')
    return { entries, end: entries.at(-1)?.offset ?? offset }
  }

  async bounds(): Promise<Bounds> {
    const [epoch, offset, oldest, sealed] = (await this.#run('bounds')) as [string, number, number, number]
    return { epoch, offset, oldest: Number(oldest), sealed: sealed === 1 }
  }

  async locate(id: string): Promise<Position | undefined> {
    const [epoch, offset] = (await this.#run('locate', [id])) as [string, string]
    return offset === '' ? undefined : { epoch, offset: Number(offset) }
  }

  async follow(follower: Follower, after?: Position): Promise<Following> {
    this.#check()
    const following = await this.#home.reader.follow(this, follower, after)
    if (this.#closed) following.close()
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

  async seal(): Promise<Position> {
    const [epoch, offset] = (await this.#run('seal')) as [string, number]
    return { epoch, offset }
  }

  async expire(within: number): Promise<void> {
    await this.#run('expire', [String(Math.max(0, Math.ceil(within)))])
  }

  close(): void {
    this.#closed = true
    for (const following of this.#followings) following.close()
    this.#home.forget(this)
  }

  #check() {
    this.#home.check()
    if (this.#closed) throw closed()
  }

  async #run(name: ScriptName, args: readonly string[] = [], more: readonly string[] = []): Promise<unknown> {
    this.#check()
    const { meta, stream, ids } = this.keys
    try {
      return await run(this.#home.connection, name, [meta, stream, ids, ...more], [newEpoch(), ...args])
    } catch (error) {
      throw refusal(error) ?? error
    }
  }
}

/** What the script of an append answers with, as everybody's log says it. */
const REFUSALS: Readonly<Record<string, () => LogError>> = {
  'log-sealed': sealed,
  'duplicate-id': () =>
    new LogError('duplicate-id', 'the id is taken: a reader would drop the second event; give each event its own'),
  'reserved-id': () => new LogError('reserved-id', 'the id is a position of this log, and names another event'),
}

function refusal(error: unknown): LogError | undefined {
  const [, code = ''] = /^UNMISSED ([a-z-]+)/.exec((error as Error).message) ?? []
  return REFUSALS[code]?.()
}
