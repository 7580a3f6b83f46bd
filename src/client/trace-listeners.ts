/** Who hears what connections do and why. */
export const traceListeners = new Set<TraceListener>()

/** Hears a line for each step of a connection. */
export type TraceListener = (line: string) => void

/**
 * Calls the listener with a line for each step of every connection from now on: what it asks, why it waits, what it drops. Returns
 * its undo. A production build of a page has nothing to tell.
 */
export function onTrace(listener: TraceListener): () => void {
  traceListeners.add(listener)
  return () => void traceListeners.delete(listener)
}
