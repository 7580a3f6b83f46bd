import type { CloseReason } from './close-reason.ts'
import type { Bytes, Frame } from './frame.ts'
import type { Gap } from './gap.ts'
import type { Queue } from './queue.ts'

/** What a subscriber needs of whoever serves it. */
export interface Home<Subscriber> {
  /** Queues a published event for a reader that is behind, for which `room` bytes are left; false to give it up. */
  overflow(subscriber: Subscriber, queue: Queue, frame: Frame, room: number): boolean
  /** Tells a reader of a gap, then `arrive`s: the reader leaves it with that id. Resolves when it may go on. */
  tellGap(subscriber: Subscriber, gap: Gap, arrive: () => string): Promise<void>
  wrote(subscriber: Subscriber, bytes: Bytes, frames: readonly Frame[], now: number): void
  over(subscriber: Subscriber, reason: CloseReason): void
  /** It follows these topics from now on, and those no more, nor what begins so. */
  followed(
    subscriber: Subscriber,
    added: readonly string[],
    removed: readonly string[],
    prefixes?: readonly string[],
  ): void
  /** Its grant ends at another time. */
  renewed(subscriber: Subscriber): void
}
