/** The longest wait that a timer can hold; beyond it `setTimeout` fires at once. */
export const LONGEST = 2_147_483_647

/** Something that happens again and again until it is stopped. */
export interface Timer {
  stop(): void
}

/** Calls `run` every so many milliseconds. Keeps no process alive. */
export function startTimer(milliseconds: number, run: () => void): Timer {
  const timer = unref(setInterval(run, Math.min(Math.max(1, milliseconds), LONGEST)))
  return { stop: () => clearInterval(timer) }
}

/** Keeps a timer from keeping the process, where timers do. */
export function unref<Handle>(timer: Handle): Handle {
  ;(timer as { unref?(): void }).unref?.()
  return timer
}
