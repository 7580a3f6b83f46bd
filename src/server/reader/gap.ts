/**
 * Why events are lost to a reader: they are no longer in the log; the log was lost, and this is another one; it read too
 * slowly; what was sent to it alone, or to topics that it followed later, cannot be found again for a new connection; or
 * its id is none of ours, or yet to come.
 */
export type GapReason = 'trimmed' | 'epoch' | 'slow' | 'client' | 'unknown'

/** What a reader is told when events are lost to it. */
export interface Gap {
  /** Why. */
  readonly reason: GapReason
  /** The id that it had. */
  readonly asked: string
  /** The oldest event that the log still had; where it was too slow itself, the first that it lost. */
  readonly oldest: string
  /** The newest event in the log then, after which it goes on; where it was too slow itself, the last that it lost. */
  readonly newest: string
}
