import type { Entry } from './entry.ts'
import type { RoleHome } from './role.ts'

/** What the others were not told yet: all of one turn goes together. */
export class News {
  readonly #member: RoleHome
  #entries: Entry[] = []
  #isDue = false

  constructor(member: RoleHome) {
    this.#member = member
  }

  /** Tells them soon what came, and where the leader is by then. */
  tell(...entries: Entry[]): void {
    this.#entries.push(...entries)
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => this.flush())
  }

  /** Tells them now. */
  flush(): void {
    if (!this.#isDue) return
    this.#isDue = false
    const entries = this.#entries
    this.#entries = []
    const { channel, term, tail } = this.#member
    channel.post({ kind: 'news', term, entries, id: tail.last.id })
  }
}
