import type { HubRequest, Refusal } from '../http/exchange.ts'
import type { Subscription } from '../reader/subscriber.ts'

/** What `authorize` agrees to. */
export interface Grant<Metadata = unknown> {
  /** Whose connection it is. Default: the subscription's. */
  user?: string | undefined
  /** The topics that it may follow: what the subscription asks for beyond them is refused with 403; where it asks for none it gets these. Default: whatever the subscription asks for. */
  topics?: readonly string[] | undefined
  /** Called for each event that would reach it, besides the subscription's own; false withholds it. Default: none. */
  filter?: Subscription['filter']
  /** What is found again at `subscriber.metadata`. Default: the subscription's. */
  metadata?: Metadata | undefined
  /** When the grant ends, and the connection with it: a date, or milliseconds since 1970. Default: never. */
  expires?: Date | number | undefined
}

/**
 * Says who may connect, before anything is sent: a grant, or true for all that the subscription asks for; a refusal
 * with its status, or false for 401. What it throws is answered 503.
 */
export type Authorize<Metadata = unknown> = (
  request: HubRequest,
) => Grant<Metadata> | Refusal | boolean | undefined | Promise<Grant<Metadata> | Refusal | boolean | undefined>

/** What is answered to whom `authorize` does not know. */
export const UNAUTHORIZED: Refusal = {
  status: 401,
  message: 'who are you?',
  headers: { 'WWW-Authenticate': 'Bearer' },
}

type Filter = NonNullable<Subscription['filter']>
const NONE: readonly Filter[] = []

/** What was agreed to, taken together. */
export interface Grants {
  readonly subscription: Subscription
  readonly filters: readonly Filter[]
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** Joins what the route asks for with what was granted; a refusal where it asks for more. */
export function combine(
  { topics, ...subscription }: Subscription,
  answer: Grant | Refusal | boolean | undefined,
): Grants | Refusal {
  if (!answer) return UNAUTHORIZED
  if (answer !== true && 'status' in answer) return answer
  const grant = answer === true ? {} : answer
  if (topics && grant.topics && !topics.every((topic) => grant.topics?.includes(topic))) {
    return { status: 403, message: 'these topics are not granted' }
  }
  const expires = Number(grant.expires ?? Number.POSITIVE_INFINITY)
  // Not a number is no time at all: a grant whose end cannot be read has ended.
  if (!(expires > Date.now())) return UNAUTHORIZED
  const filters = [subscription.filter, grant.filter].filter((filter) => filter !== undefined)
  return {
    subscription: {
      ...subscription,
      topics: topics ?? grant.topics,
      user: grant.user ?? subscription.user,
      metadata: grant.metadata ?? subscription.metadata,
    },
    filters: filters.length > 0 ? filters : NONE,
    expires,
  }
}

/** Where `bearer` looks for a token. */
export interface BearerOptions {
  /** The query parameter that may hold the token instead, for `EventSource`, which cannot send headers. It shows in logs of addresses: give it a short life. Default: none. */
  query?: string | undefined
}

/**
 * An `authorize` by bearer token: one secret or several, compared in constant time, or a function of the token, which
 * may be asynchronous. Without a token the answer is 401.
 */
export function bearer<Metadata = unknown>(
  check: string | readonly string[] | ((token: string, request: HubRequest) => ReturnType<Authorize<Metadata>>),
  { query }: BearerOptions = {},
): Authorize<Metadata> {
  return (request) => {
    // RFC 6750 §2.1; RFC 9110 §11.1: the scheme's case does not matter.
    const token =
      /^bearer +(\S+) *$/i.exec(request.header('authorization') ?? '')?.[1] ??
      (query === undefined ? undefined : request.query(query))
    if (!token) return false
    return typeof check === 'function'
      ? check(token, request)
      : isOneOf(token, typeof check === 'string' ? [check] : check)
  }
}

// Digests are compared, of equal length whatever was sent, each to its end: how long it takes tells nothing.
async function isOneOf(token: string, secrets: readonly string[]): Promise<boolean> {
  const given = await digest(token)
  let found = false
  for (const secret of secrets) {
    if (!secret) continue
    const known = await digest(secret)
    let difference = 0
    for (let index = 0; index < known.length; index++) difference |= (known[index] ?? 0) ^ (given[index] ?? 0)
    if (difference === 0) found = true
  }
  return found
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
