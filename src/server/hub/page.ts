import type { Delivery, Piece } from '../reader/delivery.ts'
import { Frame } from '../reader/frame.ts'

/** How many entries are read from the log at a time, and how much text of them is kept together. */
export const PAGE = 256
export const PAGE_TEXT = 262_144
/** How much text of a page is written at a time. */
const PIECE_TEXT = 65_536
/** How many pieces of a page are kept ready that begin in the middle of one. */
const BEGINNINGS = 16

/** Consecutive entries, ready for any number of readers: what several are given is encoded and framed once. */
export class Page {
  /** The offset before its first entry: it holds all after it that there are, up to `end`. */
  readonly start: number
  readonly end: number
  readonly deliveries: readonly Delivery[]
  /** About how much it holds. */
  readonly text: number
  readonly #pieces = new Map<number, Piece>()

  constructor(start: number, end: number, deliveries: readonly Delivery[], text: number) {
    this.start = start
    this.end = end
    this.deliveries = deliveries
    this.text = text
  }

  /** The place in `deliveries` of the first after an offset. */
  indexAfter(offset: number): number {
    // Nearly always dense.
    let index = Math.min(Math.max(0, offset - this.start), this.deliveries.length)
    while (index > 0 && (this.deliveries[index - 1] as Delivery).entry.offset > offset) index--
    return index
  }

  /** What is written as one, from a place on: up to where the next piece begins for everybody. */
  pieceFrom(index: number): Piece {
    const known = this.#pieces.get(index)
    if (known) return known
    const deliveries = this.deliveries.slice(index, this.#endOf(index))
    const piece = new JoinedPiece(deliveries)
    if (this.#pieces.size < BEGINNINGS) this.#pieces.set(index, piece)
    return piece
  }

  // Pieces end at the same places, wherever one begins.
  #endOf(index: number): number {
    let text = 0
    for (let at = 0; at < this.deliveries.length; at++) {
      text += textOf(this.deliveries[at] as Delivery)
      if (text < PIECE_TEXT) continue
      if (at >= index) return at + 1
      text = 0
    }
    return this.deliveries.length
  }
}

class JoinedPiece implements Piece {
  readonly deliveries: readonly Delivery[]
  readonly isForAll: boolean
  #frame: Frame | undefined

  constructor(deliveries: readonly Delivery[]) {
    this.deliveries = deliveries
    this.isForAll = deliveries.every(({ entry: { message } }) => {
      const { topics, user, client, except, where } = message
      return !topics && !where && user === undefined && client === undefined && except === undefined
    })
  }

  get frame(): Frame {
    this.#frame ??= new Frame(this, { id: this.deliveries.at(-1)?.id })
    return this.#frame
  }

  get text(): string {
    return this.deliveries.map(({ text }) => text).join('')
  }
}

/** About how much a delivery holds. */
export function textOf({ entry }: Delivery): number {
  return entry.message.frame.length + 64
}
