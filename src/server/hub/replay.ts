import { fromId, type Interest, type Position } from '../../log/log.ts'
import type { Delivery } from '../reader/delivery.ts'
import type { Gap, GapReason } from '../reader/gap.ts'
import type { Seat } from '../reader/seat.ts'
import { within } from '../within.ts'
import { Continuing } from './continuing.ts'
import type { Feed } from './feed.ts'
import { isTired, rest } from './pace.ts'
import type { Page } from './page.ts'

/** What a reader lost of one log, and where it goes on. */
export interface Loss {
  readonly seat: Seat
  readonly reason: GapReason
  readonly oldest: Position
  readonly position: Position
}

/** How many entries are looked at before the clock is. */
const UNTIMED = 32
/** How often a log is asked again for what the feed has heard of, and how long after, in milliseconds. */
const TRIES = 5
const PAUSE = 20

/**
 * Brings readers from where they were to where the feed is, and lets them go on live at a moment when both are the same.
 * Until then the log is read for them, page by page, at their own pace.
 */
export class Replay {
  readonly #feed: Feed
  readonly #patience: number
  readonly #onReplayed: (count: number) => void
  readonly #continuing: Continuing
  readonly #isAnew: boolean

  /** `isAnew`: who has lost its place begins with the oldest; else it goes on from the newest. */
  constructor(feed: Feed, patience: number, isAnew: boolean, onReplayed: (count: number) => void) {
    this.#isAnew = isAnew
    this.#feed = feed
    this.#patience = patience
    this.#continuing = new Continuing(feed, patience)
    this.#onReplayed = onReplayed
  }

  /** Finds the place of an id, and puts a reader there; where that cannot be, what it lost. */
  async find(asked: string, reader: Seat): Promise<Loss | undefined> {
    const { log } = this.#feed
    const place = fromId(asked)
    // A log takes no id of the application's own in the form of its positions.
    const isPlace = place !== undefined && place.epoch === this.#feed.position?.epoch
    return this.resume(isPlace ? place : ((await this.#ask(log.locate?.(asked))) ?? place), reader)
  }

  /** Puts a reader where it was, if all after that is there; else what it lost. */
  async resume(had: Position | undefined, reader: Seat): Promise<Loss | undefined> {
    const position = had && (await this.#wholeFrom(had, reader.interest))
    if (!position) return this.lost(had, reader)
    reader.moveTo(position)
    return undefined
  }

  /** Takes a reader from where it is to where the feed is, when what it has to be given before is there. */
  async join(reader: Seat, ready?: Promise<unknown>): Promise<void> {
    reader.live = false
    try {
      if (ready) await ready
      await this.#catchUp(reader)
    } catch (error) {
      if (reader.open) reader.fail(error)
    }
  }

  /** What a reader is told that cannot be given what it missed. */
  async lost(had: Position | undefined, seat: Seat, why?: GapReason): Promise<Loss> {
    const bounds = await this.#feed.bounds()
    const known = this.#feed.position
    if (!known || bounds.epoch !== known.epoch) this.#feed.adopt(bounds)
    // What we have heard of is in the log, whatever a copy of it that lags behind may say.
    const end = known && bounds.epoch === known.epoch && known.offset > bounds.offset ? known : bounds
    const position = { epoch: end.epoch, offset: this.#isAnew ? bounds.oldest - 1 : end.offset }
    return { seat, reason: why ?? reasonOf(had, end), oldest: { epoch: end.epoch, offset: bounds.oldest }, position }
  }

  /** The place in the log as it is now after which all of a reader's is there; none where something is gone. */
  async #wholeFrom(position: Position, interest: Interest): Promise<Position | undefined> {
    const { log, position: at } = this.#feed
    if (at && position.epoch === at.epoch && position.offset === at.offset) {
      // Most who return have missed nothing, unless the log was lost meanwhile.
      if (log.local || (await this.#feed.bounds()).epoch === at.epoch) return position
    } else if (await this.#feed.pages.read(position)) {
      return (await this.#isCovered(position, interest)) ? position : undefined
    }
    const same = await this.#continuing.from(position)
    // The life that it continues in may be over by now, too.
    return same && this.#wholeFrom(same, interest)
  }

  async #catchUp(reader: Seat): Promise<void> {
    const { log } = this.#feed
    let tries = 0
    while (reader.open && !this.#isThere(reader)) {
      const isHere = !log.continues || reader.epoch === this.#feed.position?.epoch
      const page = isHere ? await this.#pageFor(reader) : undefined
      if (reader.open && !page && (await this.#moveOn(reader))) continue
      if (!reader.open) return
      if (page && page.end > reader.offset) {
        tries = 0
        await this.#give(reader, page)
      } else if (page && ++tries <= TRIES) {
        // What the feed has heard of, the log has: a copy of it may lag behind.
        await new Promise((resolve) => setTimeout(resolve, PAUSE))
      } else {
        // Another gap may wait to be told.
        await reader.room()
        const loss = await this.lost(reader, reader)
        if (reader.open) await reader.tellGap(gapOf(loss, reader.idAt(reader)), loss.position)
      }
    }
  }

  /** Brings a reader whose place is in an earlier life of the log to the same place now. */
  async #moveOn(reader: Seat): Promise<boolean> {
    const same = await this.#continuing.from(reader)
    if (!same) return false
    reader.moveTo(same)
    return true
  }

  /** What comes next for a reader; nothing where something of its own is gone. */
  async #pageFor({ epoch, offset, interest }: Seat): Promise<Page | undefined> {
    const page = await this.#feed.pages.read({ epoch, offset })
    return page && (await this.#isCovered({ epoch, offset }, interest)) ? page : undefined
  }

  async #isCovered(position: Position, interest: Interest): Promise<boolean> {
    const { log } = this.#feed
    return !log.covers || (await this.#ask(log.covers(position, interest)))
  }

  /** Gives a reader what is its to see of a page: whole pieces as one, where it sees all of them. */
  async #give(reader: Seat, page: Page): Promise<void> {
    const from = reader.offset
    for (let index = page.indexAfter(from); index < page.deliveries.length; ) {
      // Not while it is behind: what waited would wait one by one.
      if (reader.isBehind || reader.queued > reader.pace) await reader.room()
      if (!reader.open) return
      const piece = page.pieceFrom(index)
      index += piece.deliveries.length
      if (!reader.offerAll(piece)) await this.#offerEach(reader, piece.deliveries)
      if (isTired()) await rest()
    }
    reader.offset = Math.max(reader.offset, page.end)
    this.#onReplayed(reader.offset - from)
    await reader.room()
  }

  async #offerEach(reader: Seat, deliveries: readonly Delivery[]): Promise<void> {
    let untimed = 0
    for (const delivery of deliveries) {
      if (reader.isBehind || reader.queued > reader.pace) await reader.room()
      if (!reader.open) return
      reader.offer(delivery)
      if (++untimed % UNTIMED === 0 && isTired()) await rest()
    }
  }

  // Asked and acted upon without a pause: what comes next, comes live.
  #isThere(reader: Seat): boolean {
    const at = this.#feed.position
    reader.live = at !== undefined && reader.open && reader.epoch === at.epoch && reader.offset >= at.offset
    return reader.live
  }

  #ask<Value>(value: Value | Promise<Value>): Promise<Value> {
    return within(this.#patience, 'the log', value)
  }
}

/** What a reader is told of what it lost, who had that id. */
export function gapOf({ seat, reason, oldest, position }: Loss, asked: string): Gap {
  return { reason, asked, oldest: seat.idAt(oldest), newest: seat.idAt(position) }
}

function reasonOf(had: Position | undefined, now: Position): GapReason {
  if (!had) return 'unknown'
  if (had.epoch !== now.epoch) return 'epoch'
  return had.offset > now.offset ? 'unknown' : 'trimmed'
}
