import { isYes } from '../check.ts'
import type { Subscriber } from '../reader/subscriber.ts'
import { type Audience, checkAudience, type Everyone } from './audience.ts'
import type { Whom } from './options.ts'
import type { Roster } from './roster.ts'

/** Throws for what cannot be meant. */
export function checkWhom(who: Whom<Subscriber> | Everyone): Audience<Subscriber> {
  // Nothing at all is everyone only where something is published.
  return checkAudience<Subscriber>(who ?? ({} as Audience<Subscriber>), 'the choice of connections')
}

/** Those who are chosen, each once. */
export function* find(roster: Roster, who: Audience<Subscriber>): IterableIterator<Subscriber> {
  const { topic, where, ...rest } = who
  const message = { ...rest, topics: topic === undefined ? undefined : [topic] }
  const seen = new Set<Subscriber>()
  for (const found of roster.candidates(message)) {
    for (const subscriber of found) {
      if (seen.has(subscriber) || !subscriber.matches(message)) continue
      if (where && !isYes(where(subscriber), 'where')) continue
      seen.add(subscriber)
      yield subscriber
    }
  }
}

/** How many they are; where there is an index it is asked. */
export function count(roster: Roster, who: Audience<Subscriber>): number {
  const { topic, user, client, where } = who
  if (!where && client === undefined) {
    if (topic === undefined && user === undefined) return roster.all.size
    if (topic === undefined) return roster.users.count(user as string)
    if (user === undefined && !roster.hasPatterns) return roster.topics.count(topic)
  }
  let number = 0
  for (const _ of find(roster, who)) number++
  return number
}

/** The users of those who follow a topic, or of all. */
export function usersOf(roster: Roster, topic: string | undefined): ReadonlySet<string> {
  if (topic === undefined) return new Set(roster.users.names)
  const users = new Set<string>()
  for (const found of roster.followers(topic)) {
    for (const { user } of found) if (user !== undefined) users.add(user)
  }
  return users
}
