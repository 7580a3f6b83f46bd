import type { Frame } from './frame.ts'

/** Frames that wait for a slow reader, oldest first. One frame may be replaced by a newer one under the same key. */
export class Queue {
  /** How many bytes wait. */
  size = 0
  // A Map keeps the order of insertion and forgets in constant time, at both ends and in the middle.
  readonly #frames = new Map<unknown, Frame>()

  get length(): number {
    return this.#frames.size
  }

  /** Adds a frame at the end; one that waits under the same key is taken out and returned. */
  add(frame: Frame, key: unknown = frame): Frame | undefined {
    const replaced = this.#take(key)
    this.#frames.set(key, frame)
    this.size += frame.size
    return replaced
  }

  /** Takes the oldest frame. */
  shift(): Frame | undefined {
    for (const key of this.#frames.keys()) return this.#take(key)
    return undefined
  }

  #take(key: unknown): Frame | undefined {
    const frame = this.#frames.get(key)
    if (frame) {
      this.#frames.delete(key)
      this.size -= frame.size
    }
    return frame
  }
}
