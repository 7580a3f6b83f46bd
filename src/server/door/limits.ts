import { bound, callable, flag, type Rules, seconds } from '../../check/rules.ts'
import { check } from '../check.ts'
import type { HubRequest, Refusal } from '../http/exchange.ts'

/** How many connections there may be. */
export interface LimitOptions {
  /** The most connections in all; beyond it 503. Default: no limit. */
  connections?: number | undefined
  /** The most connections of one user; beyond it 429. Default: no limit. */
  perUser?: number | undefined
  /** Whether `perUser` counts the connections of all processes that share the log. Default: false. */
  everywhere?: boolean | undefined
  /** The most connections from one address, or from one /64 network of IPv6, which is what one subscriber is given; beyond it 429. Default: no limit. */
  perAddress?: number | undefined
  /** How many requests a second are let in, over time; beyond it 503. Default: no limit. */
  arrivals?: number | undefined
  /** How many may come at once before `arrivals` slows them down. Default: `arrivals`, at least 1. */
  burst?: number | undefined
  /** How many bytes a second go to one reader, after a burst of as many. Default: no limit. */
  bytesPerSecond?: number | undefined
  /** What a refused reader is told to wait, in seconds, up to twice as long so that not all return together. Default: 5. */
  retryAfter?: number | undefined
  /** Where a request comes from: behind a proxy the socket's address is the proxy's. Default: the socket's address in Node, none on the web. */
  address?: ((request: HubRequest) => string | undefined) | undefined
}

const RULES: Rules = {
  connections: bound,
  perUser: bound,
  everywhere: flag,
  perAddress: bound,
  arrivals: { is: (value) => bound.is(value) && value !== 0, must: 'a number above 0' },
  burst: { is: (value) => bound.is(value) && (value as number) >= 1, must: 'a number, 1 or more' },
  bytesPerSecond: { is: (value) => bound.is(value) && value !== 0, must: 'a number above 0' },
  retryAfter: seconds,
  address: callable,
}

export function checkLimits(limits: unknown): void {
  check('limits', limits, RULES)
}

/** Counts who is there and who is coming: places are taken before `authorize` is asked, or a crowd would pass together. */
export class Limits {
  readonly #options: LimitOptions
  readonly #addresses = new Map<string, number>()
  readonly #users = new Map<string, number>()
  #taken = 0
  #tokens: number
  #filled = 0

  constructor(options: LimitOptions) {
    this.#options = options
    this.#tokens = this.#burst
  }

  get #burst(): number {
    return this.#options.burst ?? Math.max(1, this.#options.arrivals ?? 1)
  }

  /** Takes a place, or says why there is none. */
  enter(from: string | undefined): Place | Refusal {
    const address = from === undefined ? undefined : network(from)
    const { connections = Infinity, perAddress = Infinity } = this.#options
    if (this.#taken >= connections) return this.refusal(503, 'there are too many connections')
    if (address !== undefined && (this.#addresses.get(address) ?? 0) >= perAddress) {
      return this.refusal(429, 'there are too many connections from this address')
    }
    if (!this.#token()) return this.refusal(503, 'too many readers arrive at once')
    this.#taken++
    add(this.#addresses, address, 1)
    return new Place(this, address)
  }

  /** Takes one of a user's places for a place that is taken; or says why not. */
  admit(place: Place, user: string | undefined): Refusal | undefined {
    const { perUser = Infinity } = this.#options
    if (user !== undefined && (this.#users.get(user) ?? 0) >= perUser) {
      return this.crowd()
    }
    place.user = user
    add(this.#users, user, 1)
    return undefined
  }

  /** How many connections a user may have in all processes together. */
  mostEverywhere(user: string | undefined): number | undefined {
    const { perUser, everywhere } = this.#options
    return user !== undefined && everywhere ? perUser : undefined
  }

  crowd(): Refusal {
    return this.refusal(429, 'this user has too many connections')
  }

  leave({ address, user, release }: Place): void {
    release?.()
    this.#taken--
    add(this.#addresses, address, -1)
    add(this.#users, user, -1)
  }

  refusal(status: number, message: string): Refusal {
    const { retryAfter = 5 } = this.#options
    return { status, message, headers: { 'Retry-After': String(Math.ceil(retryAfter * (1 + Math.random()))) } }
  }

  #token(): boolean {
    const { arrivals } = this.#options
    if (arrivals === undefined) return true
    const now = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filled) / 1000) * arrivals)
    this.#filled = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}

/** A place that is taken until it is given back. */
export class Place {
  user: string | undefined
  /** Gives back what was taken elsewhere. */
  release: (() => void) | undefined
  readonly address: string | undefined
  #limits: Limits | undefined

  constructor(limits: Limits, address: string | undefined) {
    this.#limits = limits
    this.address = address
  }

  /** Gives it back; any number of times. */
  leave(): void {
    this.#limits?.leave(this)
    this.#limits = undefined
  }
}

function add(counts: Map<string, number>, key: string | undefined, amount: number): void {
  if (key === undefined) return
  const count = (counts.get(key) ?? 0) + amount
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

/** The network that one subscriber is given: a /64 of IPv6 (RFC 6177), an address of IPv4, also where it is written as IPv6. */
export function network(address: string): string {
  // Some proxies name the port, too, which is another one each time: `[2001:db8::1]:443`, `10.0.0.1:443`.
  const host = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address
  const [plain = ''] = host.toLowerCase().split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)
  if (mapped?.[1]) return mapped[1]
  const hexadecimal = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain)
  if (hexadecimal) return toIpv4(Number(`0x${hexadecimal[1]}`), Number(`0x${hexadecimal[2]}`))
  if (!/^[0-9a-f:.]+$/.test(plain) || !plain.includes(':')) return host
  const [before = '', after] = plain.split('::')
  const head = before.split(':').filter(Boolean)
  const tail = after?.split(':').filter(Boolean) ?? []
  const zeros = after === undefined ? [] : new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0')
  const groups = [...head, ...zeros, ...tail].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}

function toIpv4(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
