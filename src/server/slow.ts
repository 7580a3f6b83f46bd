import { disconnect } from './connection.ts'
import type { Frame } from './frame.ts'
import type { PublishedEvent } from './published.ts'
import type { Queue } from './queue.ts'

/** Hears of a frame that will not be sent, and whether that is a loss: one that a newer one replaces is none. */
export type Drop = (frame: Frame, lost: boolean) => void

/** What happens to a reader that is further behind than `maxQueued`. */
export type SlowPolicy =
  | 'disconnect'
  | 'drop-oldest'
  | 'drop-newest'
  /** While it is behind, only the newest event of each key waits for it; beyond that as `drop-oldest`. */
  | { latest: (event: PublishedEvent) => string | undefined }

/** Queues a frame as the policy has it, or drops others for it; `drop` hears of each that will not be sent. False to give the reader up. */
export function enqueue(
  policy: 'disconnect' | 'drop-oldest' | 'drop-newest' | 'latest',
  key: string | undefined,
  queue: Queue,
  frame: Frame,
  room: number,
  drop: Drop,
): boolean {
  if (policy === 'disconnect') return disconnect(queue, frame, room)
  if (policy === 'drop-newest') {
    if (frame.size > room) drop(frame, true)
    else queue.add(frame)
    return true
  }
  let left = room - frame.size
  const replaced = queue.add(frame, key)
  if (replaced) {
    left += replaced.size
    drop(replaced, false)
  }
  while (left < 0) {
    const oldest = queue.shift()
    if (!oldest) break
    left += oldest.size
    drop(oldest, true)
  }
  return true
}
