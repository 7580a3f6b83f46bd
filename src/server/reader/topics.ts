import { text, texts } from '../../check/rules.ts'
import { OptionError } from '../check.ts'
import type { Allowance } from '../door/grant.ts'
import type { Subscription } from '../door/subscription.ts'
import { toPrefix } from '../door/subscription.ts'
import { NotGranted } from '../errors.ts'

const NONE: ReadonlySet<string> = new Set()
const NO_PREFIXES: readonly string[] = []

/** What a reader follows, within what it may. Constant time per topic, whatever their number. */
export class Topics {
  #topics: ReadonlySet<string>
  prefixes: readonly string[]
  #allowance: Allowance | undefined
  /** Whether topics were added or taken away since it came: a later connection will not know. */
  changed = false

  constructor({ topics, patterns }: Subscription, allowance: Allowance | undefined) {
    this.#topics = topics?.length ? new Set(topics) : NONE
    this.prefixes = patterns?.length ? patterns.map(toPrefix) : NO_PREFIXES
    this.#allowance = allowance
  }

  get all(): ReadonlySet<string> {
    return this.#topics
  }

  has(topic: string): boolean {
    return this.#topics.has(topic) || this.prefixes.some((prefix) => topic.startsWith(prefix))
  }

  /** Adds topics; answers with those that are new. Throws where one is not granted, and adds none then. */
  add(topics: readonly string[]): string[] {
    if (!texts.is(topics)) throw new OptionError(`subscribe: topics must be ${text.must}, each`)
    const refused = topics.find((topic) => this.#allowance && !this.#allowance.topic(topic))
    if (refused !== undefined) throw new NotGranted(refused)
    const added = [...new Set(topics)].filter((topic) => !this.#topics.has(topic))
    if (added.length > 0) {
      if (this.#topics === NONE) this.#topics = new Set()
      for (const topic of added) (this.#topics as Set<string>).add(topic)
      this.changed = true
    }
    return added
  }

  /** Takes topics away; answers with those that were there. */
  remove(topics: readonly string[]): string[] {
    const removed = [...new Set(topics)].filter((topic) => this.#topics.has(topic))
    for (const topic of removed) (this.#topics as Set<string>).delete(topic)
    if (removed.length > 0) this.changed = true
    return removed
  }

  /** Follows a new grant; answers with the topics and the beginnings that it allows no more, which are taken away. */
  limit(allowance: Allowance | undefined): { topics: string[]; prefixes: string[] } {
    this.#allowance = allowance
    if (!allowance) return { topics: [], prefixes: [] }
    const prefixes = this.prefixes.filter((prefix) => !allowance.prefix(prefix))
    this.prefixes = this.prefixes.filter((prefix) => allowance.prefix(prefix))
    return { topics: this.remove([...this.#topics].filter((topic) => !allowance.topic(topic))), prefixes }
  }
}
