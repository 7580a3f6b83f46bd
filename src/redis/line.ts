import { Backoff } from './backoff.ts'
import type { Connection } from './client.ts'
import type { RawEntry } from './entries.ts'
import { type Glancing, unclear } from './glance.ts'
import { limited } from './limited.ts'
import type { Runner } from './runner.ts'

/** How long one read waits for entries, in milliseconds: as long as a log that was lost or has expired may go unnoticed. */
const BLOCK = 1000
/** How much later than that an answer may come, before its connection counts as dead. */
const LATE = 3000
/** How many entries of a log one read takes. */
const COUNT = '1000'
/** How long to wait after a failure, in milliseconds: at first, and at the longest. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2000
/** How long a bell is kept that nobody rings, in milliseconds. */
const BELL_LIFE = '60000'

/** A stream that is read, and who hears of it. */
export interface Source {
  /** The id after which it is read. */
  readonly lastId: string
  /** Whether its key holds something else, so that it cannot be read. */
  isBroken: boolean
  /** What was read. */
  deliver(raw: readonly RawEntry[], onError: (error: unknown) => void): void
  /** What has to be done before it is read again. */
  settle?(): Promise<void> | undefined
  tell(error: unknown): void
  close(): void
}

/** The stream of a log, which has to be looked at as well: at a glance, and closely where that is not enough. */
export interface LogSource extends Source, Glancing {
  look(): Promise<void>
}

/** A connection of its own, and one blocking read for all its sources. */
export class Line {
  readonly sources = new Map<string, Source>()
  readonly #connection: Connection
  readonly #runner: Runner
  readonly #onError: (error: unknown) => void
  /** A stream that is read with the others: an entry there ends the read, so that the next one knows of everybody. */
  readonly #bell: string
  #bellId = '0-0'
  #isRinging = false
  #isRunning = false
  #isClosed = false
  #own: Connection | undefined
  readonly #backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT)
  /** When it was looked for logs that are gone. */
  #looked = 0

  constructor(connection: Connection, runner: Runner, place: string, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#runner = runner
    this.#bell = `${place}bell:${crypto.randomUUID()}`
    this.#onError = onError
  }

  add(stream: string, source: Source): void {
    const isNew = !this.sources.has(stream)
    this.sources.set(stream, source)
    if (!this.#isRunning) void this.#run()
    else if (isNew) void this.#ring()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const source of this.sources.values()) source.close()
    this.sources.clear()
    this.#own?.close()
    this.#backoff.wake()
    if (this.#bellId !== '0-0') this.#connection.send(this.#bell, 'DEL', this.#bell).catch(() => {})
  }

  async #run() {
    this.#isRunning = true
    while (this.sources.size && !this.#isClosed) {
      const own = this.#connection.duplicate()
      this.#own = own
      this.#looked = 0
      try {
        while (this.sources.size && !this.#isClosed) {
          await this.#read(own)
          this.#backoff.succeeded()
        }
      } catch (error) {
        // Once for each time that it is away.
        if (this.#backoff.isFresh) this.#tell(error)
        if (!this.#isClosed) await this.#backoff.wait()
      } finally {
        own.close()
        this.#own = undefined
      }
    }
    this.#isRunning = false
  }

  #tell(error: unknown) {
    this.#onError(error)
    for (const source of this.sources.values()) source.tell(error)
  }

  async #read(own: Connection) {
    const asked = new Map([...this.sources].filter(([, { isBroken }]) => !isBroken))
    const keys = [this.#bell, ...asked.keys()]
    const ids = [this.#bellId, ...[...asked.values()].map(({ lastId }) => lastId)]
    const answer = own.send(this.#bell, 'XREAD', 'COUNT', COUNT, 'BLOCK', String(BLOCK), 'STREAMS', ...keys, ...ids)
    try {
      for (const [name, raw] of pairs(await limited(answer, BLOCK + LATE))) {
        // A client may put something before every key, and leave it there in what it answers.
        const stream = asked.has(name) ? name : (keys.find((key) => name.endsWith(key)) ?? name)
        if (stream === this.#bell) this.#bellId = raw.at(-1)?.[0] ?? this.#bellId
        const source = asked.get(stream)
        // Who left and came back meanwhile reads from elsewhere.
        if (!source || source !== this.sources.get(stream)) continue
        source.deliver(raw, this.#onError)
        const settling = source.settle?.()
        if (settling) await limited(settling, LATE)
      }
    } catch (error) {
      if (!/^WRONGTYPE/.test((error as Error).message)) throw error
      await this.#findBroken()
    }
    if (Date.now() - this.#looked >= BLOCK) await this.#look()
  }

  async #look() {
    this.#looked = Date.now()
    if ([...this.sources.values()].some(({ isBroken }) => isBroken)) await this.#findBroken()
    const logs = [...this.sources.values()].filter(
      (source): source is LogSource => 'look' in source && !source.isBroken,
    )
    const found = await limited(unclear(this.#runner, logs), LATE)
    await limited(Promise.all(found.map((source) => source.look())), LATE)
  }

  /** One key that holds something else fails the read of all: it is left out, and looked at again. */
  async #findBroken() {
    const types = [...this.sources].map(async ([stream, source]) => {
      const type = String(await this.#connection.send(stream, 'TYPE', stream))
      const wasBroken = source.isBroken
      source.isBroken = type !== 'stream' && type !== 'none'
      if (!source.isBroken || wasBroken) return
      const error = new Error(`the key ${stream} holds a ${type} of another program, and cannot be read as a log`)
      this.#onError(error)
      source.tell(error)
    })
    await limited(Promise.all(types), LATE)
  }

  /** Once for all who join at about the same time. */
  async #ring() {
    if (this.#isRinging) return
    this.#isRinging = true
    try {
      const bell = this.#bell
      await Promise.resolve()
      this.#isRinging = false
      const rung = this.#connection.send(bell, 'XADD', bell, 'MAXLEN', '1', '*', 'for', 'all')
      await Promise.all([rung, this.#connection.send(bell, 'PEXPIRE', bell, BELL_LIFE)])
    } catch (error) {
      if (!this.#isClosed) this.#onError(error)
    }
  }
}

/** What `XREAD` answers: pairs; a map where the protocol's third version is spoken, which ioredis 6 gives as a flat list. */
function pairs(reply: unknown): [string, RawEntry[]][] {
  if (reply === null || reply === undefined) return []
  if (Array.isArray(reply) && typeof reply[0] === 'string')
    return reply.flatMap((key, at) => (at % 2 ? [] : [[key, reply[at + 1]] as [string, RawEntry[]]]))
  if (Array.isArray(reply)) return reply as [string, RawEntry[]][]
  return reply instanceof Map ? [...reply] : (Object.entries(reply) as [string, RawEntry[]][])
}
