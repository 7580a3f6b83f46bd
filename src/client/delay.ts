/** The longest wait a timer can hold; beyond it `setTimeout` fires at once, and would reconnect in a hot loop. */
export const LONGEST = 2_147_483_647

/** Calls `run` once after some milliseconds; returns what undoes it. */
export function later(milliseconds: number, run: () => void, unref: boolean | undefined): () => void {
  const timer = setTimeout(run, Math.min(milliseconds, LONGEST)) as unknown
  if (unref) (timer as { unref?: () => void }).unref?.()
  return () => clearTimeout(timer as number)
}

/** Waits some milliseconds, or until the signal aborts. Never rejects: whoever waits asks the signal. */
export function delay(milliseconds: number, signal: AbortSignal, unref: boolean | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const stop = later(milliseconds, resolve, unref)
    signal.addEventListener('abort', () => {
      stop()
      resolve()
    })
  })
}
