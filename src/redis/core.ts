import { type Appended, type Bounds, type Entry, type Message, newEpoch, type Page, type Position } from '../log/log.ts'
import { entryOf, type RawEntry, stored } from './entries.ts'
import type { Keys } from './keys.ts'
import type { Runner } from './runner.ts'
import type { ScriptName } from './scripts.ts'
import { troubleOf } from './trouble.ts'

/** Within how many milliseconds of a new life every process has said how far it had heard: none asks less often. */
const HEARD_BY = 2500

/** What a log knows of itself, and where this life of it began. */
export interface Life extends Bounds {
  readonly start: number
}

/** How much is kept of a log, as numbers that a script can read. */
export interface Keep {
  readonly count: number
  readonly bytes: number
  readonly age: number
  readonly keyLife: number
}

/** A log on Redis, whoever has it open in this process. */
export class Core {
  readonly keys: Keys
  readonly #runner: Runner
  /** The newest position that this process has heard of. With every script Redis hears of it, too: it may have lost that. */
  #known: Position | undefined

  constructor(keys: Keys, runner: Runner) {
    this.keys = keys
    this.#runner = runner
  }

  async append(message: Message, key: string | undefined, keep: Keep): Promise<Appended> {
    const { count, bytes, age, keyLife } = keep
    const keys = key === undefined ? [] : [this.keys.idempotency(key)]
    const args = [...stored(message), String(count), String(bytes), String(age), String(keyLife), message.id ?? '']
    const reply = await this.#run('append', args, keys)
    const [epoch, offset, repeated, id] = reply as [string, number, number, string]
    const position = { epoch, offset: Number(offset), ...(id && { id }) }
    return repeated ? { ...position, repeated: true } : position
  }

  async read({ epoch, offset }: Position, limit: number): Promise<Page | undefined> {
    const reply = await this.#run('read', [String(offset), String(limit)])
    const [now, newest, oldest, raw] = reply as [string, number, number, RawEntry[]]
    if (epoch !== now || offset > newest || offset + 1 < oldest) return undefined
    const entries: Entry[] = []
    for (const one of raw) {
      const entry = entryOf(one)
      // What is left of earlier lives belongs to this one.
      if (typeof entry === 'object') entries.push({ ...entry, epoch })
    }
    return { entries, end: entries.at(-1)?.offset ?? offset }
  }

  async bounds(): Promise<Life> {
    return lifeOf(await this.#run('bounds')) as Life
  }

  /** The bounds of a log that is there: it makes none. */
  async look(): Promise<Life | undefined> {
    return lifeOf(await this.#run('look'))
  }

  async locate(id: string): Promise<Position | undefined> {
    const [epoch, , offset] = (await this.#run('locate', [id])) as [string, number, string]
    return offset === '' ? undefined : { epoch, offset: Number(offset) }
  }

  /** The same place in the life of now; none where something after it was lost. */
  async continues({ epoch, offset }: Position): Promise<Position | undefined> {
    for (;;) {
      const reply = await this.#run('continues', [epoch, String(offset)])
      const [now, , place, age] = reply as [string, number, number | '', number]
      if (place === '') return undefined
      // Whoever knows better says so soon.
      if (now === epoch || age >= HEARD_BY) return { epoch: now, offset: Number(place) }
      await new Promise((resolve) => setTimeout(resolve, HEARD_BY - age + 10))
    }
  }

  async seal(): Promise<Position> {
    const [epoch, offset] = (await this.#run('seal')) as [string, number]
    return { epoch, offset }
  }

  async expire(within: number): Promise<void> {
    await this.#run('expire', [String(Math.max(0, Math.ceil(within)))])
    this.forget()
  }

  /** Takes out what another program has added after the last entry. */
  async clear(): Promise<void> {
    await this.#run('clear')
  }

  /** What this process has heard of the log, and what it had told Redis before it did. */
  heard(position: Position, told?: Position): void {
    const known = this.#known
    // What was not told yet is kept until it is.
    if (known && known !== told && known.epoch !== position.epoch) return
    if (known?.epoch === position.epoch && known.offset >= position.offset) return
    this.#known = position
  }

  /** The log is over: its end is no loss. */
  forget(): void {
    this.#known = undefined
  }

  async #run(name: ScriptName, args: readonly string[] = [], more: readonly string[] = []): Promise<unknown> {
    const { meta, stream, ids } = this.keys
    const known = this.#known
    const heard = [newEpoch(), known?.epoch ?? '', String(known?.offset ?? '')] as const
    try {
      const reply = await this.#runner.run(name, [meta, stream, ids, ...more], [...heard, ...args])
      const [epoch, offset] = reply as [string?, number?]
      if (epoch !== undefined) this.heard({ epoch, offset: Number(offset) }, known)
      return reply
    } catch (error) {
      throw troubleOf(error)
    }
  }
}

function lifeOf(reply: unknown): Life | undefined {
  const [epoch, offset, oldest, sealed, start] = reply as [string?, number?, number?, number?, number?]
  if (epoch === undefined) return undefined
  return { epoch, offset: Number(offset), oldest: Number(oldest), sealed: sealed === 1, start: Number(start) }
}
