import type { Message } from '../../log/log.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import { IndexOf } from './index-of.ts'

/** Every subscriber, and the ways to find those that a message may be for without asking each. */
export class Roster {
  readonly all = new Set<HubSubscriber>()
  readonly users = new IndexOf<HubSubscriber>()
  readonly topics = new IndexOf<HubSubscriber>()
  readonly clients = new IndexOf<HubSubscriber>()
  readonly #prefixes = new IndexOf<HubSubscriber>()
  /** How long the longest beginning is that anybody ever followed: no longer one is looked for, however long a topic is. */
  #longest = 0

  add(subscriber: HubSubscriber): void {
    const { id, user, view } = subscriber
    this.all.add(subscriber)
    this.clients.add(id, subscriber)
    if (user !== undefined) this.users.add(user, subscriber)
    for (const topic of view.topics.all) this.topics.add(topic, subscriber)
    for (const prefix of view.topics.prefixes) {
      this.#prefixes.add(prefix, subscriber)
      this.#longest = Math.max(this.#longest, prefix.length)
    }
  }

  delete(subscriber: HubSubscriber): void {
    const { id, user, view } = subscriber
    if (!this.all.delete(subscriber)) return
    this.clients.delete(id, subscriber)
    if (user !== undefined) this.users.delete(user, subscriber)
    for (const topic of view.topics.all) this.topics.delete(topic, subscriber)
    for (const prefix of view.topics.prefixes) this.#prefixes.delete(prefix, subscriber)
  }

  /** A subscriber follows these topics from now on, and those no more, nor what begins so. */
  move(
    subscriber: HubSubscriber,
    added: readonly string[],
    removed: readonly string[],
    prefixes: readonly string[] = [],
  ): void {
    if (!this.all.has(subscriber)) return
    for (const prefix of prefixes) this.#prefixes.delete(prefix, subscriber)
    for (const topic of removed) this.topics.delete(topic, subscriber)
    for (const topic of added) this.topics.add(topic, subscriber)
  }

  /** Where all are that a message may be for, with some that it is not for, and perhaps one twice. */
  candidates({ client, user, topics }: Pick<Message, 'client' | 'user' | 'topics'>): Array<Iterable<HubSubscriber>> {
    if (client !== undefined) return [this.clients.get(client) ?? []]
    if (user !== undefined) return [this.users.get(user) ?? []]
    if (!topics) return [this.all]
    return topics.flatMap((topic) => this.followers(topic))
  }

  /** Whether anybody follows beginnings of topics. */
  get hasPatterns(): boolean {
    return this.#prefixes.size > 0
  }

  /** Who follows a topic, by its name and by its beginnings. */
  followers(topic: string): Array<Iterable<HubSubscriber>> {
    const found: Array<Iterable<HubSubscriber>> = []
    const named = this.topics.get(topic)
    if (named) found.push(named)
    if (this.hasPatterns) {
      for (const prefix of prefixesOf(topic.slice(0, this.#longest))) {
        const all = this.#prefixes.get(prefix)
        if (all) found.push(all)
      }
    }
    return found
  }
}

/** The beginnings that a pattern may have: nothing, and up to each `.`, `/` and `:`. */
function prefixesOf(topic: string): string[] {
  const found = ['']
  for (let at = 0; at < topic.length; at++) {
    if ('./:'.includes(topic.charAt(at))) found.push(topic.slice(0, at + 1))
  }
  return found
}
