import type { PublishedEvent } from '../published-event.ts'
import type { Frame } from './frame.ts'
import type { Queue } from './queue.ts'

/** What happens to a reader that is further behind than `maxQueued`. */
export type SlowPolicy =
  /** It is cut off, returns, and is replayed what it missed. */
  | 'disconnect'
  /** What waits longest is dropped for what is new. It is told where, as a gap. */
  | 'drop-oldest'
  /** What is new is dropped until there is room. It is told where, as a gap. */
  | 'drop-newest'
  /** While it is behind, only the newest event of each key waits for it; at the bound as `drop-oldest`. */
  | { latest: (event: PublishedEvent) => string | undefined }

/** Hears of an event that will not be sent. */
export type Drop = (frame: Frame) => void

/** Queues a published event, and drops what the policy drops for it. False to give the reader up. */
export function enqueue(
  policy: string,
  key: string | undefined,
  queue: Queue,
  frame: Frame,
  room: number,
  drop: Drop,
): boolean {
  // One that a newer one replaces is no loss.
  const replaced = key === undefined ? undefined : queue.takeKeyed(key)
  if (replaced) drop(replaced)
  let left = room + (replaced?.size ?? 0) - frame.size
  if (left < 0 && policy === 'disconnect') return false
  if (left < 0 && policy === 'drop-newest') {
    if (frame.event) queue.lose(frame.id ?? frame.event.id)
    drop(frame)
    return true
  }
  queue.add(frame, key)
  while (left < 0) {
    const oldest = queue.dropOldest()
    if (!oldest) break
    left += oldest.size
    drop(oldest)
  }
  return true
}
