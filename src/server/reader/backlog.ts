import type { Frame } from './frame.ts'
import { type Hole, Queue } from './queue.ts'

/** What waits for a reader that is behind: in order, but for what goes past the published events. */
export class Backlog {
  queue = new Queue()
  #urgent: Frame[] = []
  #urgentSize = 0

  /** How many bytes wait. */
  get size(): number {
    return this.queue.size + this.#urgentSize
  }

  /** How many of them are of what was sent to this reader alone. */
  get ownSize(): number {
    return this.queue.ownSize + this.#urgentSize
  }

  get isEmpty(): boolean {
    return this.queue.isEmpty && this.#urgent.length === 0
  }

  /** Adds what is for this reader alone; `urgent` goes past what is in the queue. */
  add(frame: Frame, urgent: boolean): void {
    if (!urgent) this.queue.add(frame)
    else {
      // What was sent to it before stays before it.
      this.#hurry([...this.queue.takeOwn(), frame])
    }
  }

  /** Lets go of all that was published; what was sent to this reader alone still goes. */
  keepOwn(): void {
    this.#hurry(this.queue.takeOwn())
    this.queue = new Queue()
  }

  #hurry(frames: readonly Frame[]): void {
    for (const frame of frames) {
      this.#urgent.push(frame)
      this.#urgentSize += frame.size
    }
  }

  /** Takes what goes next; while the queue is held, only what goes past it. */
  take(held: boolean): Frame | Hole | undefined {
    const urgent = this.#urgent.shift()
    if (!urgent) return held ? undefined : this.queue.take()
    this.#urgentSize -= urgent.size
    return urgent
  }
}
