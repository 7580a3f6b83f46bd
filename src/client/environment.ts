import { later } from './delay.ts'

// Why a connection is paused: each reason by itself, so that none undoes another.
export const BY_CALLER = 1
export const BY_HIDDEN_PAGE = 2
export const BY_CACHED_PAGE = 4
export const BY_FROZEN_PAGE = 8

/** What a page may do to its connection. */
export interface Watched {
  pause(reason: number): void
  unpause(reason: number): void
  /** The network or the machine may be back. */
  wake(): void
  /** The page is left, or is there again. */
  leave(isLeft: boolean): void
}

/** Watches the page. Returns its undo. Nothing here is needed, and nothing is fatal where it is absent. */
export function watch(connection: Watched, hiddenAfter?: number): (() => void) | undefined {
  const page = globalThis.document as Document | undefined
  if (!page && !globalThis.addEventListener) return undefined
  const undos: (() => void)[] = []
  let stop: (() => void) | undefined

  function listen(target: EventTarget | undefined, type: string, run: (event: Event) => void) {
    // Not by a signal: a page of jsdom's takes none of Node's.
    target?.addEventListener?.(type, run)
    undos.push(() => target?.removeEventListener?.(type, run))
  }
  function look() {
    stop?.()
    if (page?.visibilityState === 'hidden') {
      if (hiddenAfter !== undefined) stop = later(hiddenAfter, () => connection.pause(BY_HIDDEN_PAGE), true)
    } else {
      connection.unpause(BY_HIDDEN_PAGE)
      connection.wake()
    }
  }
  listen(globalThis, 'online', () => connection.wake())
  // No open stream survives the back/forward cache, and some browsers keep its page out.
  listen(globalThis, 'pagehide', (event) => {
    connection.leave(true)
    if ((event as PageTransitionEvent).persisted) connection.pause(BY_CACHED_PAGE)
  })
  listen(globalThis, 'pageshow', () => {
    connection.leave(false)
    connection.unpause(BY_CACHED_PAGE)
    look()
  })
  listen(page, 'resume', look)
  listen(page, 'visibilitychange', look)
  // A page may be hidden from the start.
  look()
  return () => {
    for (const undo of undos) undo()
    stop?.()
  }
}

/** True only where the runtime says so: the absence of `navigator` is no absence of a network. */
export const isOffline = (): boolean => globalThis.navigator?.onLine === false
