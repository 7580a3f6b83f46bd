import type { Interest, Message } from './log.ts'

/** For how many addressees it is known how much of theirs is gone; of the others, only the newest of all. */
const KNOWN = 65_536

/** Whom a message is for, each as a key; everyone is the empty one. One for several at once counts for the topics. */
export function addressees({ topics, user, client }: Message): string[] {
  if (topics) return topics.map((topic) => `t${topic}`)
  if (client !== undefined) return [`c${client}`]
  return [user === undefined ? '' : `u${user}`]
}

/** Whom those entries were for that are gone: of each addressee, the newest offset. */
export class Losses {
  /** The newest of all. */
  newest = 0
  /** In the order in which they were lost. */
  readonly #known = new Map<string, number>()
  #newestOfOthers = 0

  add(addressee: string, offset: number): void {
    this.newest = Math.max(this.newest, offset)
    this.#known.delete(addressee)
    this.#known.set(addressee, offset)
    if (this.#known.size > KNOWN) this.#forgetHalf()
  }

  /** Whether nothing of a reader's is gone after an offset. */
  spare(offset: number, { topics, prefixes, user, client }: Interest): boolean {
    const lost = (addressee: string): boolean => (this.#known.get(addressee) ?? 0) > offset
    if (this.newest <= offset) return true
    if (this.#newestOfOthers > offset || lost('')) return false
    if (user !== undefined && lost(`u${user}`)) return false
    if (client !== undefined && lost(`c${client}`)) return false
    for (const topic of topics) if (lost(`t${topic}`)) return false
    if (!prefixes?.length) return true
    for (const [addressee, newest] of this.#known) {
      if (newest > offset && addressee[0] === 't' && prefixes.some((prefix) => addressee.startsWith(prefix, 1))) {
        return false
      }
    }
    return true
  }

  #forgetHalf(): void {
    for (const [addressee, offset] of this.#known) {
      if (this.#known.size <= KNOWN / 2) break
      this.#known.delete(addressee)
      this.#newestOfOthers = Math.max(this.#newestOfOthers, offset)
    }
  }
}
