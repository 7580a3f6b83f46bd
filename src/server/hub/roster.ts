import type { Message } from '../../log/log.ts'
import type { HubSubscriber } from '../reader/subscriber.ts'

/** Every subscriber, and the ways to find those that a message may be for without asking each. */
export class Roster {
  readonly all = new Set<HubSubscriber>()
  readonly users = new Map<string, Set<HubSubscriber>>()
  readonly topics = new Map<string, Set<HubSubscriber>>()
  readonly #clients = new Map<string, HubSubscriber>()

  add(subscriber: HubSubscriber): void {
    this.all.add(subscriber)
    this.#clients.set(subscriber.id, subscriber)
    if (subscriber.user !== undefined) put(this.users, subscriber.user, subscriber)
    for (const topic of subscriber.topics) put(this.topics, topic, subscriber)
  }

  delete(subscriber: HubSubscriber): void {
    this.all.delete(subscriber)
    this.#clients.delete(subscriber.id)
    if (subscriber.user !== undefined) drop(this.users, subscriber.user, subscriber)
    for (const topic of subscriber.topics) drop(this.topics, topic, subscriber)
  }

  /** Moves a subscriber that followed other topics before. */
  move(subscriber: HubSubscriber, before: readonly string[]): void {
    if (!this.all.has(subscriber)) return
    for (const topic of before) drop(this.topics, topic, subscriber)
    for (const topic of subscriber.topics) put(this.topics, topic, subscriber)
  }

  /** Where all are that a message may be for, with some that it is not for, and perhaps one twice. */
  candidates({ client, user, topics }: Pick<Message, 'client' | 'user' | 'topics'>): Array<Iterable<HubSubscriber>> {
    if (client !== undefined) {
      const subscriber = this.#clients.get(client)
      return subscriber ? [[subscriber]] : []
    }
    if (user !== undefined) return [this.users.get(user) ?? []]
    return topics ? topics.map((topic) => this.topics.get(topic) ?? []) : [this.all]
  }
}

function put(index: Map<string, Set<HubSubscriber>>, key: string, subscriber: HubSubscriber): void {
  const set = index.get(key)
  if (set) set.add(subscriber)
  else index.set(key, new Set([subscriber]))
}

function drop(index: Map<string, Set<HubSubscriber>>, key: string, subscriber: HubSubscriber): void {
  const set = index.get(key)
  if (set?.delete(subscriber) && set.size === 0) index.delete(key)
}
