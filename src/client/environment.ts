import { later } from './delay.ts'

/** What a page may do to its connection. */
export interface Patient {
  isPaused(): boolean
  pause(): void
  resume(): void
  /** The network or the machine may be back: look at the clock, and wait no longer. */
  wake(): void
}

/** Watches the page until the signal aborts. Nothing here is needed, and nothing is fatal where it is absent. */
export function watch({ isPaused, pause, resume, wake }: Patient, signal: AbortSignal, hiddenAfter?: number): void {
  const page = globalThis.document as Document | undefined
  /** Whether it was the page that paused. */
  let held = false
  let stop: (() => void) | undefined

  const listen = (target: EventTarget | undefined, type: string, run: (event: Event) => void) =>
    target?.addEventListener?.(type, run, { signal })
  function hold() {
    held ||= !isPaused()
    pause()
  }
  function look() {
    stop?.()
    if (page?.visibilityState === 'hidden') {
      if (hiddenAfter !== undefined) stop = later(hiddenAfter, hold, true)
    } else {
      if (held) resume()
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
  signal.addEventListener('abort', () => stop?.())
}

/** True only where the runtime says so: the absence of `navigator` is no absence of a network. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false
