import type { Follower } from './log.ts'

/** Tells a follower of trouble; what it throws then goes nowhere. */
export function tell(follower: Follower, error: unknown): void {
  try {
    follower.error(error)
  } catch {}
}
