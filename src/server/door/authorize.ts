import type { HubRequest } from '../http/exchange.ts'
import type { Verdict } from './grant.ts'

/**
 * Says who may connect, before anything is sent: a grant, or true for all that the subscription asks for; a refusal
 * with its status, or false for 401. What it throws is answered 503, as is one that does not answer in time.
 */
export type Authorize<Metadata = unknown> = (request: HubRequest) => Verdict<Metadata> | Promise<Verdict<Metadata>>

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
