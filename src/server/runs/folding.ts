import type { Position } from '../../log/log.ts'
import type { Feed } from '../hub/feed.ts'
import { isTired, rest } from '../hub/pace.ts'
import { Delivery } from '../reader/delivery.ts'
import type { Fold } from './options.ts'

/** What a run has come to, up to a position. */
export interface Snapshot {
  readonly state: unknown
  /** The same as text: a state may change before it is sent. */
  readonly data: string
  readonly position: Position
}

/** Folds the events of a run for late readers: once for all, and each event once. */
export class Folding {
  readonly #fold: Fold
  readonly #feed: Feed
  #last: Snapshot | undefined
  #folding: Promise<Snapshot | undefined> | undefined

  constructor(fold: Fold, feed: Feed) {
    this.#fold = fold
    this.#feed = feed
  }

  /** What the run has come to by now; nothing where that is too little to be worth it. */
  async now(): Promise<Snapshot | undefined> {
    this.#folding ??= this.#go().finally(() => {
      this.#folding = undefined
    })
    const { every = 100 } = this.#fold
    const folded = await this.#folding
    return folded && folded.position.offset >= every ? folded : undefined
  }

  async #go(): Promise<Snapshot | undefined> {
    const { epoch, offset: end, sealed } = await this.#feed.bounds()
    if (this.#last?.position.epoch !== epoch) this.#last = undefined
    let state = this.#last ? this.#last.state : structuredClone(this.#fold.initial)
    let offset = this.#last?.position.offset ?? 0
    // The end is told as it is.
    const until = sealed ? end - 1 : end
    while (offset < until) {
      const page = await this.#feed.pages.read({ epoch, offset })
      if (!page || page.end <= offset) return undefined
      for (const { entry } of page.deliveries) {
        if (entry.offset <= offset || entry.offset > until) continue
        const { type, data } = new Delivery(entry)
        state = this.#fold.reduce(state, { type, data })
      }
      offset = Math.min(page.end, until)
      if (isTired()) await rest()
    }
    const data = typeof state === 'string' ? state : (JSON.stringify(state) ?? 'null')
    this.#last = { state, data, position: { epoch, offset } }
    return this.#last
  }
}
