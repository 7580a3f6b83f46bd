import type { Frame } from './frame.ts'

/** Frames that wait for a reader that is behind, oldest first. */
export class Queue {
  /** How many bytes wait. */
  size = 0
  // A Map keeps the order of insertion and forgets in constant time, at both ends and in the middle.
  readonly #frames = new Map<unknown, Frame>()

  /** Adds a frame at the end. */
  add(frame: Frame, key: unknown = frame): void {
    this.#frames.set(key, frame)
    this.size += frame.payload.length
  }

  /** Takes the frame under a key, or else the oldest. */
  take(key: unknown = this.#frames.keys().next().value): Frame | undefined {
    const frame = this.#frames.get(key)
    if (frame) {
      this.#frames.delete(key)
      this.size -= frame.payload.length
    }
    return frame
  }
}
