import { anything, callable, type Rule, type Rules, text, texts } from '../../check/rules.ts'
import { check, OptionError } from '../check.ts'
import type { Filter } from '../published-event.ts'

/** What a connected client gets. */
export interface Subscription<Metadata = unknown> {
  /** The topics it follows. Events that name no topic reach it in any case. Default: none. */
  topics?: readonly string[] | undefined
  /** Beginnings of topics it follows, up to a `.`, `/` or `:` and a star: `orders.*`; `*` is every topic. Default: none. */
  patterns?: readonly string[] | undefined
  /** Whose connection it is. One user may have several. Default: nobody's. */
  user?: string | undefined
  /** A name for this connection that stays the same when it returns, such as a tab's: what is published to it meanwhile is replayed. Default: one made for each connection. */
  client?: string | undefined
  /** Called for each event that would reach it; false withholds it. Default: none. */
  filter?: Filter | undefined
  /** Whatever the application wants to find again at `subscriber.metadata`. Default: none. */
  metadata?: Metadata | undefined
  /** Where it comes from, for `limits.perAddress`. Default: the socket's address in Node. */
  address?: string | undefined
  /** For a reader that comes for the first time: how many of the newest events that are its to see it is given first. Default: 0. */
  last?: number | undefined
  /** For a reader that comes for the first time: all events since then that the log has are given first; a date, or milliseconds since 1970. Default: none. */
  since?: Date | number | undefined
  /** Called instead of the answer 406 when the request is not for a stream. Default: none. */
  next?: (() => void) | undefined
}

const pattern: Rule = {
  is: (value) => typeof value === 'string' && /^([^*]*[./:])?\*$/.test(value),
  must: 'beginnings of topics such as "orders.*"',
}
export const patterns: Rule = {
  is: (value) => Array.isArray(value) && value.every(pattern.is),
  must: 'an array of beginnings of topics up to a ".", "/" or ":" and a star, such as "orders.*"',
}
export const moment: Rule = {
  is: (value) => Number.isFinite(value instanceof Date ? value.getTime() : value),
  must: 'a date, or milliseconds since 1970',
}
const count: Rule = {
  is: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  must: 'a whole number, 0 or more',
}

const RULES: Rules = {
  topics: texts,
  patterns,
  user: text,
  client: text,
  filter: callable,
  metadata: anything,
  address: text,
  last: count,
  since: moment,
  next: callable,
}

/** Throws for what cannot be meant: what is misread here follows too little, or sees too much. */
export function checkSubscription(subscription: unknown): void {
  check('a subscription', subscription, RULES)
  // A filter that is not there withholds nothing.
  const given = subscription as Subscription
  if ('filter' in given && given.filter === undefined) {
    throw new OptionError(
      'a subscription: filter is there, but undefined: leave it out where nothing is to be withheld',
    )
  }
}

/** The second argument that a platform gives to a handler of web requests, beside what it cannot be. */
const PLATFORMS = ['waitUntil', 'params', 'remoteAddr', 'completed', 'env', 'next', 'geo', 'requestIP']

/**
 * Whether the second argument of a handler of web requests is the platform's own: `export default { fetch: hub.fetch }` has
 * it called with bindings and a context, with a server (Bun), with an address (Deno), with the route's parameters (Next).
 */
export function isPlatforms(second: unknown, ...more: unknown[]): boolean {
  if (more.length > 0) return true
  if (second === null || typeof second === 'function') return true
  // No platform gives these: they are somebody's mistake, and told.
  if (typeof second !== 'object' || Array.isArray(second)) return false
  const prototype = Object.getPrototypeOf(second)
  if (prototype !== null && prototype !== Object.prototype) return true
  return PLATFORMS.some((name) => name in second && !Object.hasOwn(RULES, name))
}

/** The beginning that a pattern stands for. */
export function toPrefix(pattern: string): string {
  return pattern.slice(0, -1)
}
