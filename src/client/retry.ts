import { LONGEST } from './delay.ts'
import type { ConnectError } from './errors.ts'

/** Everything known about a failure, for a `retry` function. */
export interface Failure {
  readonly error: ConnectError
  readonly status: number | undefined
  readonly headers: Headers | undefined
  /** The number of the attempt that failed, 1 after each healthy period. */
  readonly attempt: number
  /** Milliseconds since the connection was last healthy. */
  readonly elapsed: number
  /** Milliseconds that the default policy would wait. */
  readonly delay: number
}

export interface RetryOptions {
  /** Whether and when to try again: false, true, or milliseconds. Default: by the kind of the failure. */
  when?: ((failure: Failure) => boolean | number) | undefined
  /** The shortest wait in milliseconds, where the server sends no `retry`. Default: 1000. */
  base?: number | undefined
  /** The longest wait in milliseconds, where the server does not ask for a longer one. Default: 30000. */
  max?: number | undefined
  /** The longest wait in milliseconds that a server may ask for, by `retry` or `Retry-After`; the jitter comes on top. Default: 3600000. */
  longest?: number | undefined
  /** What the wait grows by with each failure. Default: 2. */
  factor?: number | undefined
  /** How many failures in a row are retried; the next one closes the connection. Default: Infinity. */
  limit?: number | undefined
  /** The statuses that are tried again. Default: 408, 425, 429 and 500 to 599. */
  statuses?: readonly number[] | undefined
  /** After how many milliseconds of an open stream that sent something its earlier failures are forgotten. Default: 5000. */
  stable?: number | undefined
  /** Whether waits are spread, so that clients who lost their server together do not return together. Default: true. */
  jitter?: boolean | undefined
  /** A number from 0 to 1, for the jitter. Default: Math.random. */
  random?: (() => number) | undefined
}

/**
 * The width of the first wait, in floors. A herd of 100,000 that was told `retry: 3000` comes back over 18 seconds, at
 * no more than a tenth per second of what a fixed wait would cause, also while the server stays away.
 */
const SPREAD = 6

/** No floor is lower, in milliseconds: `retry: 0` would let a server that drops us at once be asked in a hot loop. */
export const LOWEST = 10

/**
 * How long to wait after so many failures in a row, in milliseconds: never less than the floor, and spread above it, so
 * that clients who lost their server together do not return together. No failure at all is a server that ends its answers
 * by itself: it is met in its own rhythm.
 */
export function backoff(failures: number, asked: number, options: RetryOptions = {}): number {
  const { max = 30_000, factor = 2, random = Math.random } = options
  const floor = Math.max(asked, LOWEST)
  const width = failures > 0 ? SPREAD * floor * factor ** (failures - 1) : floor / 2
  // A floor near or above `max` is spread all the same: a herd that was told to wait a minute is still a herd.
  const most = Math.min(LONGEST, width, Math.max(max - floor, floor / 2))
  return Math.min(LONGEST, Math.round(floor + random() * most))
}

/** The same without jitter: the floor, grown by its factor alone. */
export function steady(failures: number, asked: number, { max = 30_000, factor = 2 }: RetryOptions): number {
  const floor = Math.max(asked, LOWEST)
  const grown = Math.round(floor * factor ** Math.max(0, failures - 1))
  return Math.min(LONGEST, Math.max(floor, Math.min(max, grown)))
}

/** Whether a status may pass: 408 Request Timeout, 425 Too Early, 429 Too Many Requests and 5xx, unless told otherwise. */
export const isRetryable = (status: number, statuses?: readonly number[]): boolean =>
  statuses ? statuses.includes(status) : status >= 500 || [408, 425, 429].includes(status)

/** `Retry-After` in milliseconds, from seconds or a date (RFC 9110 §10.2.3); 0 where there is none. */
export function retryAfter(headers: Headers | undefined, now: number): number {
  const value = headers?.get('retry-after') ?? ''
  // Two of them, of a proxy and of the server behind it, come as one with a comma between.
  if (/^\d+ *(,|$)/.test(value)) return Number.parseInt(value, 10) * 1000
  // The server's own clock, where it shows it: ours may be wrong by hours.
  return Math.max(0, Date.parse(value) - (Date.parse(headers?.get('date') ?? '') || now)) || 0
}
