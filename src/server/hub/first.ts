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

/** An event that a newcomer is to be given. */
interface Found {
  /** Which of the feeds it is in, and the offset before it. */
  readonly index: number
  readonly offset: number
  readonly at: number
}

/**
 * Where a reader begins that comes for the first time, in each log that it follows: where the feed is, or so far back that it
 * gets the newest events that are its to see, or all since a moment. Looks through what the logs have, since only the
 * reader's filter knows.
 */
export async function firstPositions(feeds: readonly Feed[], newcomer: Newcomer): Promise<Position[]> {
  const { last, since } = newcomer
  const newest = feeds.map(({ position }) => position as Position)
  if (last === 0 && since === undefined) return newest
  const found = await Promise.all(feeds.map((feed, index) => look(feed, index, newest[index] as Position, newcomer)))
  // Of several logs the newest by the clocks of those who appended.
  const all = found.length === 1 ? (found[0] as Found[]) : found.flat().sort((one, other) => one.at - other.at)
  const given = last > 0 ? all.slice(-last) : all
  return newest.map(({ epoch, offset }, index) => {
    const first = given.find((one) => one.index === index)
    return { epoch, offset: first?.offset ?? offset }
  })
}

async function look(feed: Feed, index: number, newest: Position, newcomer: Newcomer): Promise<Found[]> {
  const { last, since = Number.NEGATIVE_INFINITY } = newcomer
  const { epoch, oldest } = await feed.bounds()
  // The oldest first.
  const found: Found[] = []
  let offset = oldest - 1
  while (epoch === newest.epoch && offset < newest.offset) {
    const page = await feed.pages.read({ epoch, offset })
    if (!page || page.end <= offset) break
    for (const delivery of page.deliveries) {
      const { entry } = delivery
      if (entry.offset <= offset || entry.at < since || !newcomer.sees(delivery)) continue
      found.push({ index, offset: entry.offset - 1, at: entry.at })
      if (last > 0 && found.length > last) found.shift()
      // Without a number the first is enough.
      if (last === 0) return found
    }
    offset = page.end
    if (isTired()) await rest()
  }
  return found
}
