import { type Position, toId } from '../../log/log.ts'
import { within } from '../within.ts'
import type { Feed } from './feed.ts'

/** Finds places of earlier lives of a log again: asked once for all who were at the same one. */
export class Continuing {
  readonly #feed: Feed
  readonly #patience: number
  readonly #asked = new Map<string, Promise<Position | undefined>>()

  constructor(feed: Feed, patience: number) {
    this.#feed = feed
    this.#patience = patience
  }

  /** The same place in the life of now, where the feed goes, too; none where something after it was lost. */
  from({ epoch, offset }: Position): Promise<Position | undefined> {
    const id = toId({ epoch, offset })
    let asked = this.#asked.get(id)
    if (!asked) {
      asked = this.#ask({ epoch, offset }).finally(() => this.#asked.delete(id))
      this.#asked.set(id, asked)
    }
    return asked
  }

  async #ask(position: Position): Promise<Position | undefined> {
    const feed = this.#feed
    const same = await within(this.#patience, 'the log', feed.log.continues?.(position))
    if (same && same.epoch !== feed.position?.epoch) feed.adopt(await feed.bounds())
    else if (same?.epoch === position.epoch) return undefined
    return same
  }
}
