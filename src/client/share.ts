import type { Control } from './control.ts'
import type { Shared } from './shared.ts'

/** With whom a connection is shared: made by `shared` of `unmissed/share`. */
export interface Share {
  /** What those have in common who share it. */
  readonly name: string
  /** Leads a connection in place of its own loop. Not for callers. */
  readonly run: (...parts: never) => Promise<void>
}

/** The life of a connection. */
export type Run = (shared: Shared, control: Control) => Promise<void>

/** The same for one that is shared; where that cannot be it goes its own way, as `alone` does. */
export type RunShared = (shared: Shared, control: Control, alone: Run) => Promise<void>
