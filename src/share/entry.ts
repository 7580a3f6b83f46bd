import type { ConnectError } from '../client/errors.ts'
import type { CloseReason, Gap } from '../client/options.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { Outcome } from '../protocol/outcome.ts'

/** A place in what the tabs share. */
export interface Place {
  /** How many entries there were up to here, over all leaders. */
  readonly at: number
  /** The id that the stream goes on after. */
  readonly id: string
}

/** Where somebody stands; without a number it has seen nothing of what is shared. */
export interface Asked {
  readonly at: number | undefined
  readonly id: string
}

/** An error as it travels: without its cause, which may be anything. */
export type Trouble = Pick<
  ConnectError,
  'code' | 'message' | 'retryable' | 'status' | 'body' | 'event' | 'attempt' | 'delay'
> & {
  readonly headers: [string, string][]
}

/** How the connection ended, for all. */
export interface End {
  readonly reason: CloseReason
  readonly outcome: Outcome | undefined
  readonly error: Trouble | undefined
}

/** One thing that came, in the order in which it came. */
export interface Entry extends Place {
  readonly event?: ServerSentEvent | undefined
  readonly gap?: Gap | undefined
  readonly end?: End | undefined
}
