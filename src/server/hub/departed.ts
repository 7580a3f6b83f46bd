import type { Message } from '../../log/log.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'

/** How many readers that have left are remembered. */
const REMEMBERED = 10_000

const NONE: readonly string[] = []

interface Departure {
  readonly key: string
  readonly client: string
  /** Topics that were added while it was connected: its next connection will not ask for them. */
  readonly topics: readonly string[]
}

/**
 * Readers that have left, as long as something may be missed on their behalf: what was published to such a connection
 * alone, or to topics that it followed later, does not reach the next connection, which is another one. A reader is known
 * again by its user and the id that it had, which may be somebody else's, too: so it is told, and given nothing. One that
 * the application has named is known by its name, and follows again what it followed.
 */
export class Departed {
  /** In the order in which they left. */
  readonly #departures = new Map<string, Departure>()
  readonly #byTopic = new Map<string, Set<Departure>>()
  readonly #missed = new Map<string, number>()
  readonly #named = new Map<string, readonly string[]>()

  left({ id, user, outbox, view, isNamed }: HubSubscriber): void {
    const topics = view.topics.changed ? [...view.topics.all] : NONE
    if (isNamed) {
      if (topics.length > 0) put(this.#named, keyOf(user, id), topics)
      return
    }
    const departure = { key: keyOf(user, outbox.sent), client: id, topics }
    this.#departures.set(id, departure)
    for (const topic of topics) {
      const all = this.#byTopic.get(topic) ?? new Set()
      all.add(departure)
      this.#byTopic.set(topic, all)
    }
    if (this.#departures.size > REMEMBERED) this.#forget(this.#departures.values().next().value as Departure)
  }

  /** Something was published: whoever of those who left should have had it, has missed it. */
  published({ client, topics }: Message): void {
    if (this.#departures.size === 0) return
    const departure = client === undefined ? undefined : this.#departures.get(client)
    if (departure) this.#miss(departure)
    for (const topic of topics ?? []) for (const one of this.#byTopic.get(topic) ?? []) this.#miss(one)
  }

  /** Nobody will hear of these topics for a while: whoever of those who left followed one may miss something. */
  missTopics(of: (topic: string) => boolean): void {
    for (const [topic, departures] of this.#byTopic) {
      if (of(topic)) for (const one of departures) this.#miss(one)
    }
  }

  /** Whether a reader that returns with this id may have missed something that cannot be replayed. Said once for each. */
  hasMissed(user: string | undefined, id: string): boolean {
    const key = keyOf(user, id)
    const count = this.#missed.get(key)
    if (!count) return false
    if (count > 1) this.#missed.set(key, count - 1)
    else this.#missed.delete(key)
    return true
  }

  /** The topics that a connection of this name followed besides those that it asks for. Said once. */
  topicsOf({ user, id }: Pick<HubSubscriber, 'user' | 'id'>): readonly string[] {
    const key = keyOf(user, id)
    const topics = this.#named.get(key) ?? []
    this.#named.delete(key)
    return topics
  }

  #miss(departure: Departure): void {
    this.#forget(departure)
    put(this.#missed, departure.key, (this.#missed.get(departure.key) ?? 0) + 1)
  }

  #forget(departure: Departure): void {
    this.#departures.delete(departure.client)
    for (const topic of departure.topics) {
      const all = this.#byTopic.get(topic)
      if (all?.delete(departure) && all.size === 0) this.#byTopic.delete(topic)
    }
  }
}

/** Keeps one more, and forgets the one kept longest where there are too many. */
function put<Value>(kept: Map<string, Value>, key: string, value: Value): void {
  kept.set(key, value)
  if (kept.size > REMEMBERED) kept.delete(kept.keys().next().value as string)
}

function keyOf(user: string | undefined, id: string): string {
  return JSON.stringify([user, id])
}
