import type { Frame } from './frame.ts'
import type { PublishedEvent } from '../hub/published.ts'
import type { Queue } from './queue.ts'

/** What happens to a reader that is further behind than `maxQueued`. */
export type SlowPolicy =
  /** It is cut off, returns, and is replayed what it missed. */
  | 'disconnect'
  /** What waits longest is dropped for what is new. It is told, as a gap. */
  | 'drop-oldest'
  /** What is new is dropped until there is room. It is told, as a gap. */
  | 'drop-newest'
  /** While it is behind, only the newest event of each key waits for it; at the bound as `drop-oldest`. */
  | { latest: (event: PublishedEvent) => string | undefined }

/** Hears of a frame that will not be sent, and whether that is a loss: one that a newer one replaces is none. */
export type Drop = (frame: Frame, lost: boolean) => void

/** Queues a frame, and drops what the policy drops for it. False to give the reader up. */
export function enqueue(
  policy: string,
  key: string | undefined,
  queue: Queue,
  frame: Frame,
  room: number,
  drop: Drop,
): boolean {
  const { length } = frame.payload
  const replaced = key === undefined ? undefined : queue.take(key)
  if (replaced) drop(replaced, false)
  let left = room + (replaced?.payload.length ?? 0) - length
  if (left < 0 && policy === 'disconnect') return false
  if (left < 0 && policy === 'drop-newest') {
    drop(frame, true)
    return true
  }
  queue.add(frame, key)
  while (left < 0) {
    const oldest = queue.take()
    if (!oldest) break
    left += oldest.payload.length
    drop(oldest, true)
  }
  return true
}
