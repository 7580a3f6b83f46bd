import type { Asked } from './entry.ts'
import type { RoleHome } from './role.ts'
import type { Sent } from './wire.ts'

/** How long the others may take to say what they have, in milliseconds: one that is frozen says nothing. */
const PATIENCE = 100

type Here = Extract<Sent, { kind: 'here' }>

/** Asks the other tabs what they have: each that waits for the lock, and has a place. */
export class Census {
  readonly #member: RoleHome
  readonly #heres: Here[] = []
  #onHere: () => void = () => {}

  constructor(member: RoleHome) {
    this.#member = member
  }

  /** Who has most, and the last leader that anybody has heard of. */
  async take(asked: Asked): Promise<{ newest: Here | undefined; term: number }> {
    const others = await this.#member.lock.waiting().catch(() => 0)
    if (others > 0) await this.#ask(asked, others)
    const [newest] = this.#heres.filter(({ hasJoined }) => hasJoined).sort((one, other) => other.at - one.at)
    return { newest, term: Math.max(0, ...this.#heres.map(({ term }) => term)) }
  }

  hear(here: Here): void {
    this.#heres.push(here)
    this.#onHere()
  }

  #ask(asked: Asked, others: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE)
      this.#onHere = () => {
        if (this.#heres.length < others) return
        clearTimeout(timer)
        resolve()
      }
      this.#member.channel.post({ kind: 'lead', ...asked, isWhole: this.#member.isWhole })
    })
  }
}

/** Says what a member has, to the tab that asks. */
export function answer(member: RoleHome, { from, isWhole, ...asked }: Extract<Sent, { kind: 'lead' }>): void {
  const { channel, term, mirror, hasJoined, tail } = member
  const { at, id } = tail.last
  const entries = tail.since(asked, isWhole || !!mirror?.isRun)
  channel.post({ kind: 'here', to: from, term, mirror, hasJoined, at, id, entries })
}
