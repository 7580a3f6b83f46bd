import { type Appended, type Bounds, type Entry, type Message, newEpoch, type Page, type Position } from '../log/log.ts'
import { entryOf, type RawEntry, stored } from './entries.ts'
import type { Glancing, Seen } from './glance.ts'
import type { Keys } from './keys.ts'
import type { ScriptName } from './lua/scripts.ts'
import type { Runner } from './runner.ts'
import { Sent } from './sent.ts'
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
export class Core implements Glancing {
  readonly keys: Keys
  readonly #runner: Runner
  /** The newest position that this process has heard of. With every script Redis hears of it, too: it may have lost that. */
  #known: Position | undefined
  readonly #sent = new Sent()
  /** The appends of this turn. */
  #batch: Batch | undefined

  constructor(keys: Keys, runner: Runner) {
    this.keys = keys
    this.#runner = runner
  }

  get meta(): string {
    return this.keys.meta
  }

  /** Those of one turn go together, in one script. */
  append(message: Message, key: string | undefined, keep: Keep): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const [text, frame] = stored(message)
      if (this.#batch && !this.#batch.add(keep, text.length + frame.length)) this.#batch = undefined
      if (!this.#batch) {
        const batch = new Batch(keep, text.length + frame.length)
        this.#batch = batch
        queueMicrotask(() => {
          if (this.#batch === batch) this.#batch = undefined
          void this.#send(batch)
        })
      }
      this.#batch.pending.push({ text, frame, id: message.id ?? '', key, resolve, reject })
    })
  }

  async #send({ keep, pending }: Batch) {
    const bounds = [keep.count, keep.bytes, keep.age, keep.keyLife].map(String)
    const number = this.#sent.next()
    const keys = [this.keys.sent(this.#sent.caller)]
    const over = this.#sent.over()
    const messages = [String(number), over.join(' ')]
    for (const { text, frame, id, key } of pending) {
      if (key !== undefined) keys.push(this.keys.idempotency(key))
      messages.push(text, frame, id, key === undefined ? '0' : String(keys.length + 3))
    }
    try {
      const reply = (await this.#run('append', [...bounds, ...messages], keys)) as [string, number, ...Answer[]]
      this.#sent.answered(number)
      const [epoch, , ...answers] = reply
      for (const [at, { resolve, reject }] of pending.entries()) {
        const answer = answers[at] as Answer
        if (typeof answer === 'string') reject(troubleOf(new Error(answer)))
        else resolve(appendedOf(epoch, answer))
      }
    } catch (error) {
      this.#sent.failed(number, over)
      for (const { reject } of pending) reject(error)
    }
  }

  async read({ epoch, offset }: Position, limit: number): Promise<Page | undefined> {
    const reply = await this.#run('read', [String(offset), String(limit)])
    const [now, newest, oldest, raw] = reply as [string, number, number, RawEntry[]]
    if (epoch !== now || offset > Number(newest) || offset + 1 < Number(oldest)) return undefined
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

  /** Whether what was seen is all that this process has heard of. */
  isConfirmed([epoch, offset]: Seen): boolean {
    const known = this.#known
    return epoch !== undefined && known?.epoch === epoch && known.offset <= Number(offset)
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
      if (now === epoch || Number(age) >= HEARD_BY) return { epoch: now, offset: Number(place) }
      await new Promise((resolve) => setTimeout(resolve, HEARD_BY - Number(age) + 10))
    }
  }

  async seal(): Promise<Position> {
    const [epoch, offset] = (await this.#run('seal')) as [string, number]
    return { epoch, offset: Number(offset) }
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

/** What became of one message: its offset, whether it was there already, its own id; or why it was refused. */
type Answer = readonly [offset: number, repeated: number, id: string] | string

function appendedOf(epoch: string, [offset, repeated, id]: Exclude<Answer, string>): Appended {
  const position = { epoch, offset: Number(offset), ...(id && { id }) }
  return Number(repeated) ? { ...position, repeated: true } : position
}

interface Pending {
  readonly text: string
  readonly frame: string
  readonly id: string
  readonly key: string | undefined
  resolve(appended: Appended): void
  reject(error: unknown): void
}

/** The most appends that go in one script, and the most text: Redis serves nobody else meanwhile. */
const BATCH = 100
const BATCH_TEXT = 262_144

class Batch {
  readonly keep: Keep
  readonly pending: Pending[] = []
  #text: number

  constructor(keep: Keep, text: number) {
    this.keep = keep
    this.#text = text
  }

  /** Whether another one fits. */
  add(keep: Keep, text: number): boolean {
    this.#text += text
    return keep === this.keep && this.pending.length < BATCH && this.#text <= BATCH_TEXT
  }
}

function lifeOf(reply: unknown): Life | undefined {
  const [epoch, offset, oldest, sealed, start] = reply as [string?, number?, number?, number?, number?]
  if (epoch === undefined) return undefined
  return { epoch, offset: Number(offset), oldest: Number(oldest), sealed: Number(sealed) === 1, start: Number(start) }
}
