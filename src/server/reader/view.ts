import type { Message } from '../../log/log.ts'
import { isYes } from '../check.ts'
import { Allowance, both, type Grant, type Grants } from '../door/grant.ts'
import type { Filter } from '../published-event.ts'
import type { Delivery } from './delivery.ts'
import { Topics } from './topics.ts'

/** As much of a message as says whom it is for. */
export type Addressed = Pick<Message, 'topics' | 'user' | 'client' | 'except'>

/** What a reader may see: the topics that it follows, and what its filters let through. */
export class View {
  readonly topics: Topics
  /** What the route withholds, whatever is granted. */
  readonly #routeFilter: Filter | undefined
  #filter: Filter | undefined

  constructor({ subscription, filter, allowance }: Grants) {
    this.topics = new Topics(subscription, allowance)
    this.#routeFilter = subscription.filter
    this.#filter = filter
  }

  get hasFilter(): boolean {
    return this.#filter !== undefined
  }

  /** Follows a new grant; answers with what it allows no more, which is left. */
  limit(grant: Grant): { topics: readonly string[]; prefixes: readonly string[] } {
    const isLimited = grant.topics !== undefined || grant.patterns !== undefined
    this.#filter = both(this.#routeFilter, grant.filter)
    return this.topics.limit(isLimited ? new Allowance(grant) : undefined)
  }

  /** Whether a message is for a reader, as far as its addressee tells. */
  matches({ topics, user, client, except }: Addressed, reader: { id: string; user: string | undefined }): boolean {
    if (client !== undefined && client !== reader.id) return false
    if (user !== undefined && user !== reader.user) return false
    if (except !== undefined && except === reader.id) return false
    return topics === undefined || topics.some((topic) => this.topics.has(topic))
  }

  /** Whether a reader is given an event. Throws what a filter throws. */
  sees(delivery: Delivery, reader: { id: string; user: string | undefined }): boolean {
    const { message } = delivery.entry
    // Checked before the filters, which would be told of what is not for it otherwise.
    if (!this.matches(message, reader)) return false
    if (message.where && !isYes(message.where(reader), 'where')) return false
    return !this.#filter || isYes(this.#filter(delivery), 'a filter')
  }
}
