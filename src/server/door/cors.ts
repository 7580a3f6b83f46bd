import { callable, flag, or, type Rules, seconds, tokens } from '../../check/rules.ts'
import { check, isYes, OptionError } from '../check.ts'
import type { Exchange } from '../http/exchange.ts'

/** Which other origins may read, and what they may send. */
export interface CorsOptions {
  /** The origins that may read: a list of them, `'*'` for all, or a function. */
  origins: readonly string[] | '*' | ((origin: string) => boolean)
  /** Whether browsers may send cookies; needs a list or a function. Default: false. */
  credentials?: boolean | undefined
  /** The request headers that they may send. Default: `['Accept', 'Authorization', 'Cache-Control', 'Content-Type', 'Last-Event-ID']`. */
  headers?: readonly string[] | undefined
  /** How long a browser may remember a preflight, in seconds. Default: 600. */
  maxAge?: number | undefined
}

const RULES: Rules = {
  origins: or({ is: (value) => value === '*', must: '"*"' }, callable, {
    is: (value) => Array.isArray(value) && value.every(isOrigin),
    must: 'an array of origins as a browser sends them, such as "https://example.com"',
  }),
  credentials: flag,
  headers: tokens,
  maxAge: seconds,
}

function isOrigin(value: unknown): boolean {
  return (
    value === '*' || value === 'null' || (typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+$/i.test(value))
  )
}

const REQUESTED = ['Accept', 'Authorization', 'Cache-Control', 'Content-Type', 'Last-Event-ID']

/** What is said where nothing is. */
export const NONE: Record<string, string> = {}

/** What each answer says to other origins. Without options it says nothing, and browsers let none of them read. */
export class Cors {
  readonly #options: CorsOptions | undefined = undefined

  constructor(given: CorsOptions | CorsOptions['origins'] | undefined) {
    if (given === undefined) return
    const options = typeof given === 'object' && 'origins' in given ? given : { origins: given }
    check('cors', options, RULES)
    // Undefined by accident it would be found out by the first request of another origin.
    check('cors', { origins: options.origins }, RULES, { present: true })
    const { origins, credentials } = options
    const everyone = origins === '*' || (Array.isArray(origins) && origins.includes('*'))
    if (credentials && everyone) {
      throw new OptionError(
        'cors: credentials for every origin would let any page read as its visitor; name the origins',
      )
    }
    this.#options = everyone ? { ...options, origins: '*' } : options
  }

  /** The headers of every answer to this request. */
  headers(exchange: Exchange): Record<string, string> {
    const options = this.#options
    if (!options) return NONE
    const origin = exchange.header('origin')
    const { origins, credentials } = options
    if (origins === '*') return { 'Access-Control-Allow-Origin': '*', ...EXPOSED }
    const allowed =
      origin && (typeof origins === 'function' ? isYes(origins(origin), 'cors.origins') : origins.includes(origin))
    // A cache must not give one origin's answer to another.
    if (!allowed) return { Vary: 'Origin' }
    const named = { 'Access-Control-Allow-Origin': origin, Vary: 'Origin', ...EXPOSED }
    return credentials ? { ...named, 'Access-Control-Allow-Credentials': 'true' } : named
  }

  /** Answers a preflight; false where the request is none. */
  preflight(exchange: Exchange, methods: readonly string[], head: Record<string, string>): boolean {
    if (!this.#options || exchange.method !== 'OPTIONS' || !exchange.header('access-control-request-method'))
      return false
    const { headers = REQUESTED, maxAge = 600 } = this.#options
    const allowed = {
      'Access-Control-Allow-Methods': methods.join(', '),
      'Access-Control-Allow-Headers': headers.join(', '),
      'Access-Control-Max-Age': String(Math.floor(maxAge)),
    }
    exchange.refuse({ status: 204, headers: 'Access-Control-Allow-Origin' in head ? { ...head, ...allowed } : head })
    return true
  }
}

// Without it a page sees neither: not the heartbeat that arms its watchdog, nor the id that tells of a gap.
const EXPOSED = { 'Access-Control-Expose-Headers': 'Unmissed, Last-Event-ID, Retry-After' }
