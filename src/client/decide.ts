import type { ConnectError } from './errors.ts'
import { backoff, LOWEST, type RetryOptions, retryAfter } from './retry.ts'

/** All that counts when an attempt is over. */
export interface Facts {
  readonly error: ConnectError
  /** The number of the attempt, 1 after each healthy period. */
  readonly attempt: number
  /** Failures in a row, with this one. */
  readonly failures: number
  /** When all was well last. */
  readonly wellSince: number
  readonly now: number
  readonly isOffline: boolean
  /** The server's reconnection time. */
  readonly retry: number | undefined
  readonly policy: RetryOptions
  /** Whether the request may be made again: it is safe, or the caller says so. */
  readonly mayRepeat: boolean
  /** Whether somebody would fetch a new token, and was not asked since all was well. */
  readonly canRenew: boolean
  /** Whether a body that ends is all that there was to come. */
  readonly endIsGood: boolean
}

/** A new token, another attempt after a wait of which what lies above `floor` may be cut short, or the end. */
export type Decision =
  | { readonly next: 'renew' | 'ended' | 'failed' }
  | { readonly next: 'wait'; readonly delay: number; readonly floor: number; readonly mistake: boolean }

/** Decides what a failure means. It calls nothing but `policy.when`. */
export function decide(facts: Facts): Decision {
  const { error, failures, retry, policy } = facts
  const { status, headers, code } = error
  const { base = 1000, max = 30_000, longest = 3_600_000, limit = Infinity, when } = policy
  if (facts.canRenew && (status === 401 || status === 403)) return { next: 'renew' }

  const floor = Math.min(longest, Math.max(retry ?? 0, retryAfter(headers, facts.now)))
  let delay = backoff(failures, retry === undefined ? Math.max(base, floor) : floor, policy)
  // Being offline may be a mistake of the machine's: we wait long, but not for ever.
  if (facts.isOffline) delay = Math.max(delay, max)

  let again = facts.mayRepeat && error.retryable
  let mistake = false
  if (when) {
    const { attempt, wellSince, now } = facts
    const answer: unknown = when({ error, status, headers, attempt, elapsed: now - wellSince, delay })
    if (typeof answer === 'boolean') again = answer
    // Another answer is a mistake, which is met as if there were no such function.
    else if (typeof answer === 'number' && answer >= 0) {
      again = true
      delay = Math.max(answer, LOWEST)
    } else mistake = true
  }
  if (again && failures <= limit) return { next: 'wait', delay, floor: Math.min(floor, delay), mistake }
  return { next: code === 'ended' && facts.endIsGood && failures <= limit ? 'ended' : 'failed' }
}
