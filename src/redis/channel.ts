import type { Entry, Position } from '../log/log.ts'
import { entryOf, type RawEntry } from './entries.ts'
import type { Member, Read } from './member.ts'

/** One log that somebody follows in this process: how far its stream was read, and who hears of it. */
export class Channel {
  readonly log: Read
  readonly members = new Set<Member>()
  /** The id after which the stream is read. */
  lastId: string
  end: Position
  /** Whether the stream was read to its end. One that is behind hears of it by the mark, in its turn. */
  isSealed: boolean
  #expires = false

  constructor(log: Read, end: Position, isSealed: boolean) {
    this.isSealed = isSealed
    this.log = log
    this.end = end
    this.lastId = `${end.offset}-0`
  }

  /** Gives what was read to everybody. What is none of ours is told, and passed over. */
  deliver(raw: readonly RawEntry[], onError: (error: unknown) => void): void {
    const entries: Entry[] = []
    for (const one of raw) {
      this.lastId = one[0]
      try {
        const entry = entryOf(one)
        if (entry === 'sealed') this.isSealed = true
        else if (entry === 'expires') this.#expires = true
        else entries.push(entry)
      } catch (error) {
        onError(error)
        this.tell(error)
      }
    }
    const last = entries.at(-1)
    if (last) this.end = { epoch: last.epoch, offset: last.offset }
    for (const member of [...this.members]) {
      member.take(entries)
      member.see(this.end, this.isSealed)
    }
  }

  /** Which life of the log there is now: none, the same, or another one, whose ids begin anew. */
  isOf(epoch: string | null): void {
    if (epoch === this.end.epoch) return
    if (epoch !== null) {
      this.lastId = '0-0'
      this.end = { epoch, offset: 0 }
      this.isSealed = false
    } else if (this.#expires) for (const member of [...this.members]) member.end('expired')
  }

  tell(error: unknown): void {
    for (const member of [...this.members]) member.tell(error)
  }
}
