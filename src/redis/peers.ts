import type { Peers } from '../log/log.ts'
import { startTimer, type Timer } from '../log/timer.ts'
import type { Connection } from './client.ts'
import type { RawEntry } from './entries.ts'
import type { Keys } from './keys.ts'
import { limited } from './limited.ts'
import type { Source } from './line.ts'
import { PEER_SCRIPTS } from './lua/peers.ts'
import type { Reader } from './reader.ts'
import { troubleOf } from './trouble.ts'

/** How often a process says that it is there, in milliseconds, and for how long that holds. */
const EVERY = 2000
const LIFE = 6000
/** How long an answer may take, in milliseconds. */
const ANSWER = 2000
/** How long a question is kept that nobody reads, in milliseconds, and how many at most. */
const KEPT = '10000'
const MOST = '1000'
/** How long a count is kept that its process does not repeat, in milliseconds, and how often it does. */
const COUNTED = 900_000
const REPEAT = 300_000

/** The processes that share a log, seen from one of them. */
export class RedisPeers implements Peers, Source {
  lastId = '0-0'
  isBroken = false
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #answer: (question: string) => string
  readonly #id = crypto.randomUUID()
  readonly #leave: () => void
  readonly #waiting = new Map<string, { answers: string[]; left: number; done(): void }>()
  readonly #counts = new Map<string, number>()
  #asked = 0
  readonly #timer: Timer
  #repeated = Date.now()
  #isClosed = false

  constructor(connection: Connection, reader: Reader, keys: Keys, answer: (question: string) => string) {
    this.#connection = connection
    this.#keys = keys
    this.#answer = answer
    this.#leave = reader.listen(keys.place, keys.inbox(this.#id), this)
    const present = () => void this.#present().catch(() => {})
    this.#timer = startTimer(EVERY, present)
    present()
  }

  async ask(question: string): Promise<readonly string[]> {
    const others = (await this.#present()).filter((id) => id !== this.#id)
    if (!others.length) return []
    const number = String(++this.#asked)
    const answers: string[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const all = new Promise<void>((done) => {
      this.#waiting.set(number, { answers, left: others.length, done })
      timer = setTimeout(done, ANSWER)
    })
    try {
      await Promise.all(others.map((id) => this.#tell(id, 'question', number, question)))
      await all
      return answers
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(number)
    }
  }

  async enter(name: string, most: number): Promise<boolean> {
    const { counted, peers } = this.#keys
    const keys = [counted(name), peers]
    const isIn = Number(await this.#run('enter', keys, [this.#id, String(most), String(COUNTED)])) === 1
    if (isIn) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    return isIn
  }

  async leave(name: string): Promise<void> {
    const count = (this.#counts.get(name) ?? 1) - 1
    if (count > 0) this.#counts.set(name, count)
    else this.#counts.delete(name)
    await this.#count(name, count)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer.stop()
    this.#leave()
    for (const { done } of this.#waiting.values()) done()
    const { peers, inbox } = this.#keys
    const own = inbox(this.#id)
    for (const gone of [
      this.#connection.send(peers, 'HDEL', peers, this.#id),
      this.#connection.send(own, 'DEL', own),
    ]) {
      gone.catch(() => {})
    }
  }

  // What comes from the others.

  deliver(raw: readonly RawEntry[], onError: (error: unknown) => void): void {
    for (const [id, fields] of raw) {
      this.lastId = id
      const [kind, number = '', from = '', text = ''] = fields.filter((_, at) => at % 2)
      if (kind === 'question') {
        Promise.resolve()
          .then(() => this.#tell(from, 'answer', number, this.#answer(text)))
          .catch(onError)
        continue
      }
      const waiting = this.#waiting.get(number)
      waiting?.answers.push(text)
      if (waiting && --waiting.left === 0) waiting.done()
    }
  }

  tell(): void {}

  async #tell(id: string, kind: string, number: string, text: string) {
    const inbox = this.#keys.inbox(id)
    const fields = ['kind', kind, 'number', number, 'from', this.#id, 'text', text]
    await Promise.all([
      this.#send(inbox, 'XADD', inbox, 'MAXLEN', MOST, '*', ...fields),
      this.#send(inbox, 'PEXPIRE', inbox, KEPT),
    ])
  }

  /** Says that it is there, and hears who else is. */
  async #present(): Promise<string[]> {
    if (this.#isClosed) return []
    const [wasKnown, alive] = (await this.#run('present', [this.#keys.peers], [this.#id, String(LIFE)])) as [
      number,
      string[],
    ]
    // Who was taken for dead is counted no more, and a count that is not repeated is forgotten.
    if (!Number(wasKnown) || Date.now() - this.#repeated > REPEAT) {
      this.#repeated = Date.now()
      for (const [name, count] of this.#counts) this.#count(name, count).catch(() => {})
    }
    return alive
  }

  async #count(name: string, count: number) {
    await this.#run('count', [this.#keys.counted(name)], [this.#id, String(count), String(COUNTED)])
  }

  #run(name: keyof typeof PEER_SCRIPTS, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const [key = ''] = keys
    return this.#send(key, 'EVAL', PEER_SCRIPTS[name], String(keys.length), ...keys, ...args)
  }

  async #send(key: string, ...args: string[]): Promise<unknown> {
    try {
      return await limited(this.#connection.send(key, ...args), ANSWER * 2)
    } catch (error) {
      throw troubleOf(error)
    }
  }
}
