import type { ConnectError } from './errors.ts'

/** One attempt with its body, or one wait. Aborted where it is cut short, and where it fails, with `error`. */
export interface Turn extends AbortController {
  error?: ConnectError
}

/** Ends a turn with what went wrong, which is kept beside the signal: React Native's has no reason. */
export function fail(turn: Turn, error: ConnectError): void {
  if (turn.signal.aborted) return
  turn.error = error
  turn.abort(error)
}

/** Throws where the signal is aborted; React Native's cannot do that itself. */
export function heed(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason
}
