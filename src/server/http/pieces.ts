import { PIECE } from './exchange.ts'
import type { NodeResponse } from './node-types.ts'

interface Piece {
  readonly bytes: Uint8Array
  readonly done: (() => void) | undefined
}

/** Writes long bytes one piece after the other, each when the one before has left: so it shows whether any of it does. */
export class Pieces {
  /** How many bytes wait for their turn. */
  size = 0
  readonly #response: NodeResponse
  readonly #onEnd: () => void
  readonly #pieces: Piece[] = []
  #isWriting = false

  /** `onEnd` is called when all has left. */
  constructor(response: NodeResponse, onEnd: () => void) {
    this.#response = response
    this.#onEnd = onEnd
  }

  add(bytes: Uint8Array, done: (() => void) | undefined): void {
    this.size += bytes.length
    for (let at = 0; at < bytes.length; at += PIECE) {
      const isLast = at + PIECE >= bytes.length
      this.#pieces.push({ bytes: bytes.subarray(at, at + PIECE), done: isLast ? done : undefined })
    }
    if (!this.#isWriting) this.#write()
  }

  #write(): void {
    const piece = this.#pieces.shift()
    this.#isWriting = piece !== undefined
    if (!piece) {
      this.#onEnd()
      return
    }
    this.size -= piece.bytes.length
    this.#response.write(piece.bytes, (error) => {
      if (error) return
      piece.done?.()
      this.#write()
    })
  }
}
