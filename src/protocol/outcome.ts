/** How a run ended: what the server says in its last event, of the type `outcome`. */
export interface Outcome {
  readonly state: 'finished' | 'failed' | 'stopped'
  /** What the producer returned. */
  readonly value?: unknown
  /** Why it failed: that of a `RunFailure`, `producer-failed`, `producer-lost`, `run-too-large`, `run-too-long`, `server-stopped`. */
  readonly code?: string | undefined
  /** The same for people: the message of a `RunFailure`; nothing of any other error, which only `onError` is told. */
  readonly message?: string | undefined
  /** Why it was stopped, as `stop` was told. */
  readonly reason?: string | undefined
}

/** The type of that event. */
export const OUTCOME = 'outcome'
