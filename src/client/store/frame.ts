import { call } from '../listeners.ts'

/** How long a publish waits where there are no frames, in milliseconds. */
const FRAME = 16

/** Who waits to publish, and whether for a timer. */
const due = new Map<() => void, boolean>()

/** Publishes with the next frame, all stores at once. A hidden page has no frames, nor has a server. */
export function schedule(publish: () => void): void {
  const frameless = globalThis.document?.hidden !== false
  if (due.get(publish) === frameless) return
  due.set(publish, frameless)
  // Each asks for itself, and the first answer is for all: one that never comes (a faked timer) holds up no other store.
  if (frameless) setTimeout(flush, FRAME)
  else requestAnimationFrame(flush)
}

/** Takes back what was scheduled: it has been published already. */
export const unschedule = (publish: () => void): boolean => due.delete(publish)

function flush() {
  // Who is scheduled by a publish waits for the next frame.
  for (const publish of [...due.keys()]) if (due.delete(publish)) call(publish)
}
