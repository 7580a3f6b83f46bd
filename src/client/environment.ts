import { later } from './delay.ts'

/** What a page may do to its connection. */
export interface Patient {
  readonly state: string
  pause(): void
  resume(): void
}

/**
 * Watches the page, and calls `wake` when the network or the machine may be back. Returns its undo. Nothing here is
 * needed, and nothing is fatal where it is absent.
 */
export function watch(patient: Patient, wake: () => void, hiddenAfter?: number): (() => void) | undefined {
  const page = globalThis.document as Document | undefined
  if (!page && !globalThis.addEventListener) return undefined
  const life = new AbortController()
  /** Whether it was the page that paused. */
  let held = false
  let stop: (() => void) | undefined

  const listen = (target: EventTarget | undefined, type: string, run: (event: Event) => void) =>
    target?.addEventListener?.(type, run, life)
  function hold() {
    held ||= patient.state !== 'paused'
    patient.pause()
  }
  function look() {
    stop?.()
    if (page?.visibilityState === 'hidden') {
      if (hiddenAfter !== undefined) stop = later(hiddenAfter, hold, true)
    } else {
      if (held) patient.resume()
      held = false
      wake()
    }
  }
  listen(globalThis, 'online', wake)
  // No open stream survives the back/forward cache, and some browsers keep its page out.
  listen(globalThis, 'pagehide', (event) => (event as PageTransitionEvent).persisted && hold())
  listen(globalThis, 'pageshow', look)
  listen(page, 'resume', look)
  listen(page, 'visibilitychange', look)
  return () => {
    life.abort()
    stop?.()
  }
}

/** True only where the runtime says so: the absence of `navigator` is no absence of a network. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false
