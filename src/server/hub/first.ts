import type { Position } from '../../log/log.ts'
import type { Delivery } from '../reader/delivery.ts'
import type { Feed } from './feed.ts'
import { isTired, rest } from './pace.ts'

/** A reader that comes for the first time, and what it is to be given of what was before. */
export interface Newcomer {
  /** How many of the newest events. */
  readonly last: number
  /** All since then, in milliseconds since 1970. */
  readonly since: number | undefined
  sees(delivery: Delivery): boolean
}

/**
 * Where a reader begins that comes for the first time: where the feed is, or so far back that it gets the newest events that
 * are its to see, or all since a moment. Looks through what the log has, since only the reader's filter knows.
 */
export async function firstPosition(feed: Feed, newcomer: Newcomer): Promise<Position> {
  const { last, since } = newcomer
  const newest = feed.position as Position
  if (last === 0 && since === undefined) return newest
  const { epoch, oldest } = await feed.bounds()
  const moment = since ?? Number.NEGATIVE_INFINITY
  // The positions before the newest events that count, the oldest first.
  const found: number[] = []
  let offset = oldest - 1
  while (epoch === newest.epoch && offset < newest.offset) {
    const page = await feed.pages.read({ epoch, offset })
    if (!page || page.end <= offset) break
    for (const delivery of page.deliveries) {
      const { entry } = delivery
      if (entry.offset <= offset || entry.at < moment || !newcomer.sees(delivery)) continue
      found.push(entry.offset - 1)
      if (last > 0 && found.length > last) found.shift()
      // Without a number the first is enough.
      if (last === 0) return { epoch, offset: entry.offset - 1 }
    }
    offset = page.end
    if (isTired()) await rest()
  }
  return { epoch: newest.epoch, offset: found[0] ?? newest.offset }
}
