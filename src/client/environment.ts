import { after } from './delay.ts'

/** What the connection wants to know of the page it lives in, where there is one. */
export interface Watcher {
  /** The network is back. */
  online(): void
  /** The machine or the page may have slept: look at the clock. */
  woke(): void
  /** The page goes to the back/forward cache, or was hidden for long enough: hold. */
  hold(why: string): void
  release(why: string): void
}

/** Watches; returns what undoes it. Nothing here is needed, and nothing is fatal where it is absent. */
export function watch(watcher: Watcher, hiddenAfter: number | undefined): () => void {
  const page = globalThis.document as Document | undefined
  const undo: (() => void)[] = []
  let stop: (() => void) | undefined

  function listen(target: EventTarget | undefined, type: string, run: (event: Event) => void) {
    target?.addEventListener?.(type, run)
    undo.push(() => target?.removeEventListener?.(type, run))
  }
  function visibility() {
    stop?.()
    if (page?.visibilityState !== 'hidden') {
      watcher.woke()
      watcher.release('hidden')
    } else if (hiddenAfter !== undefined) stop = after(hiddenAfter, () => watcher.hold('hidden'), true)
  }
  listen(globalThis, 'online', watcher.online)
  // An open stream may keep a page out of the back/forward cache, and none survives it.
  listen(globalThis, 'pagehide', (event) => (event as PageTransitionEvent).persisted && watcher.hold('cached'))
  listen(globalThis, 'pageshow', () => watcher.release('cached'))
  listen(page, 'resume', watcher.woke)
  listen(page, 'visibilitychange', visibility)
  if (page) visibility()
  return () => {
    stop?.()
    for (const each of undo) each()
  }
}

/** False only where the runtime says so: the absence of `navigator` is no absence of a network. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false
