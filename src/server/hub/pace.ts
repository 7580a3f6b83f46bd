/** How long one reader's replay may keep the event loop, in milliseconds. */
const SLICE = 8

let freeUntil = 0
const waiting: Array<() => void> = []

/** Whether this turn of the event loop has worked long enough. */
export function isTired(): boolean {
  return performance.now() >= freeUntil
}

/**
 * Waits for a turn of the event loop of its own: one waiter each turn, however many there are, or a hundred short pieces
 * of work in a row would be a long one.
 */
export function rest(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) later(next)
  })
}

function next(): void {
  freeUntil = performance.now() + SLICE
  waiting.shift()?.()
  if (waiting.length > 0) later(next)
}

function later(run: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(run)
  else setTimeout(run)
}
