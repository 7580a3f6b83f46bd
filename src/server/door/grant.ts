import { anything, callable, type Rules, text, texts } from '../../check/rules.ts'
import { check, isYes } from '../check.ts'
import type { Refusal } from '../http/exchange.ts'
import type { Filter } from '../published-event.ts'
import { moment, patterns, type Subscription, toPrefix } from './subscription.ts'

/** What `authorize` agrees to. */
export interface Grant<Metadata = unknown> {
  /** Whose connection it is. Default: the subscription's. */
  user?: string
  /** The topics that it may follow: what the subscription asks for beyond them is refused with 403; where it asks for none it gets these. Default: whatever the subscription asks for. */
  topics?: readonly string[]
  /** Beginnings of topics that it may follow, such as `orders.*`; as with `topics`. Default: none where `topics` are given, else whatever is asked for. */
  patterns?: readonly string[]
  /** Called for each event that would reach it, besides the subscription's own; false withholds it. Default: none. */
  filter?: Filter
  /** What is found again at `subscriber.metadata`. Default: the subscription's. */
  metadata?: Metadata
  /** When the grant ends, and the connection with it: a date, or milliseconds since 1970. Default: never. */
  expires?: Date | number
}

/** What `authorize` may answer: a grant, or true for all that is asked for; a refusal with its status, or false for 401. */
export type Verdict<Metadata = unknown> = Grant<Metadata> | Refusal | boolean | undefined

/** What is answered to whom `authorize` does not know. */
export const UNAUTHORIZED: Refusal = {
  status: 401,
  message: 'this stream asks who you are: send credentials',
  headers: { 'WWW-Authenticate': 'Bearer' },
}

const RULES: Rules = {
  user: text,
  topics: texts,
  patterns,
  filter: callable,
  metadata: anything,
  expires: { is: (value) => typeof value === 'number' || value instanceof Date, must: moment.must },
}
const STATUS: Rules = {
  status: {
    is: (value) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599,
    must: 'a status from 200 to 599',
  },
}
const REFUSAL: Rules = {
  ...STATUS,
  message: { is: (value) => typeof value === 'string', must: 'a string' },
  headers: anything,
}

/** Which topics a grant allows. */
export class Allowance {
  readonly #topics: ReadonlySet<string> | undefined
  readonly #prefixes: readonly string[]

  constructor({ topics, patterns }: Grant) {
    if (topics || patterns) this.#topics = new Set(topics)
    this.#prefixes = patterns?.map(toPrefix) ?? []
  }

  topic(topic: string): boolean {
    return !this.#topics || this.#topics.has(topic) || this.#prefixes.some((prefix) => topic.startsWith(prefix))
  }

  prefix(asked: string): boolean {
    return !this.#topics || this.#prefixes.some((prefix) => asked.startsWith(prefix))
  }
}

/** What was agreed to, taken together. */
export interface Grants {
  readonly subscription: Subscription
  readonly filter: Filter | undefined
  readonly allowance: Allowance | undefined
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** Says what an answer of `authorize` is: a refusal, or the grant. Throws a TypeError for what cannot be meant. */
export function judgeVerdict(verdict: unknown): Refusal | Grant {
  if (!verdict) return UNAUTHORIZED
  if (verdict === true) return {}
  if (typeof verdict === 'object' && 'status' in verdict) {
    check('a refusal of authorize', verdict, REFUSAL)
    // A status that is undefined by accident would be 200.
    check('a refusal of authorize', { status: verdict.status }, STATUS, { present: true })
    return verdict as Refusal
  }
  // Strictly: topics that are undefined by accident would allow everything.
  check('a grant of authorize', verdict, RULES, { present: true })
  const grant = verdict as Grant
  // Not a date is no time at all: a grant whose end cannot be read has ended.
  return Number(grant.expires ?? Number.POSITIVE_INFINITY) > Date.now() ? grant : UNAUTHORIZED
}

/** Joins what the route asks for with what was granted; a refusal where it asks for more. */
export function combine(asked: Subscription, verdict: unknown, address = asked.address): Grants | Refusal {
  const grant = judgeVerdict(verdict)
  if ('status' in grant) return grant
  const limited = grant.topics !== undefined || grant.patterns !== undefined
  const allowance = limited ? new Allowance(grant) : undefined
  const asksForNone = !asked.topics?.length && !asked.patterns?.length
  const { topics, patterns } = asksForNone && limited ? grant : asked
  const allows =
    !allowance ||
    ((topics ?? []).every((topic) => allowance.topic(topic)) &&
      (patterns ?? []).every((pattern) => allowance.prefix(toPrefix(pattern))))
  if (!allows) return { status: 403, message: 'these topics are not granted' }
  return {
    // Field by field: spread, it costs as much as the rest of the door.
    subscription: {
      topics,
      patterns,
      user: grant.user ?? asked.user,
      client: asked.client,
      filter: asked.filter,
      metadata: grant.metadata ?? asked.metadata,
      address,
      last: asked.last,
      since: asked.since,
    },
    filter: both(asked.filter, grant.filter),
    allowance,
    expires: Number(grant.expires ?? Number.POSITIVE_INFINITY),
  }
}

/** One filter of two: what either withholds is withheld. */
export function both(one: Filter | undefined, other: Filter | undefined): Filter | undefined {
  if (!one || !other) return one ?? other
  // Each by itself: the answer of the first must not pass for that of both.
  return (event) => isYes(one(event), 'a filter') && other(event)
}
