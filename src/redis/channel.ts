import type { Entry, Position } from '../log/log.ts'
import type { Core, Life } from './core.ts'
import { entryOf, ForeignEntry, type RawEntry } from './entries.ts'
import type { Seen } from './glance.ts'
import type { LogSource } from './line.ts'
import type { Member } from './member.ts'

/** One log that somebody follows in this process: how far its stream was read, and who hears of it. */
export class Channel implements LogSource {
  readonly log: Core
  readonly members = new Set<Member>()
  /** The id after which the stream is read. */
  lastId: string
  end: Position
  /** Whether the stream was read to its end. One that is behind hears of it by the mark, in its turn. */
  isSealed: boolean
  /** Whether its key holds something else, so that it cannot be read. */
  isBroken = false
  /** Whether there is an entry of another life: what comes after is of no use until it is known which. */
  #isPast = false
  /** Whether another program has added what no entry of ours can follow. */
  #isBlocked = false
  #expires = false

  constructor(log: Core, { epoch, offset, sealed }: Life) {
    this.log = log
    this.isSealed = sealed
    this.end = { epoch, offset }
    this.lastId = `${offset}-0`
  }

  /** Gives what was read to everybody. What is none of ours is told, and passed over. */
  deliver(raw: readonly RawEntry[], onError: (error: unknown) => void): void {
    const entries: Entry[] = []
    for (const one of raw) {
      try {
        const entry = entryOf(one)
        if (entry === 'sealed') this.isSealed = true
        else if (entry === 'expires') this.#expires = true
        else if (entry.epoch === this.end.epoch) {
          entries.push(entry)
          this.end = { epoch: entry.epoch, offset: entry.offset }
        } else this.#isPast = true
      } catch (error) {
        onError(error)
        this.tell(error)
        this.#isBlocked ||= error instanceof ForeignEntry && error.offset > this.end.offset
      }
      if (this.#isPast || this.#isBlocked) break
      this.lastId = one[0]
    }
    this.log.heard(this.end)
    for (const member of [...this.members]) {
      member.take(entries)
      member.see(this.end, this.isSealed)
    }
  }

  settle(): Promise<void> | undefined {
    return this.#isPast || this.#isBlocked ? this.#settle() : undefined
  }

  async #settle() {
    if (this.#isPast) await this.look()
    if (this.#isBlocked) await this.log.clear()
    this.#isBlocked = false
  }

  get meta(): string {
    return this.log.keys.meta
  }

  isConfirmed(seen: Seen): boolean {
    return seen[0] === this.end.epoch && this.log.isConfirmed(seen)
  }

  /** What is known of the log now: gone, the same, or another life of it. */
  async look(): Promise<void> {
    const life = await this.log.look()
    this.#isPast = false
    if (life && life.epoch !== this.end.epoch) this.#renew(life)
    else if (!life && this.#expires) {
      this.log.forget()
      for (const member of [...this.members]) member.end('expired')
    }
  }

  close(): void {
    for (const member of [...this.members]) member.close()
  }

  tell(error: unknown): void {
    for (const member of [...this.members]) member.tell(error)
  }

  #renew({ epoch, start }: Life) {
    this.end = { epoch, offset: start }
    this.lastId = `${start}-0`
    this.isSealed = this.#expires = false
    for (const member of [...this.members]) void member.move(this.end)
  }
}
