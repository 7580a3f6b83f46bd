import { hash } from '../../log/hash.ts'
import type { Position } from '../../log/log.ts'
import { LONGEST_ID } from '../http/headers.ts'

/** How many characters stand for an epoch where there is no room for all of it: 1,679,616 are told apart. */
const SHORT = 4

/**
 * The id of a reader of several logs: its place in each that it follows, as `sign.index.epoch.offset.index.epoch.offset…`,
 * the numbers in base 36, an index left out where it is the one after the last. An epoch has neither dot nor space, so this
 * is no position of one log, nor the id of other logs: the sign is made of their names. Where that is longer than a server
 * takes, all epochs are shortened, and only the life of now is known by what is left of them.
 */
export function writePlaces(sign: string, places: ReadonlyMap<number, Position>): string {
  const whole = write(sign, places, (epoch) => epoch)
  return whole.length <= LONGEST_ID ? whole : write(sign, places, shorten)
}

/** The places that an id names; nothing where it is none of these logs'. */
export function readPlaces(sign: string, id: string): Map<number, Position> | undefined {
  const [first, ...parts] = id.split('.')
  if (first !== sign || parts.length === 0 || parts.length % 3 !== 0) return undefined
  const places = new Map<number, Position>()
  let next = 0
  for (let at = 0; at < parts.length; at += 3) {
    const [index, epoch, offset] = parts.slice(at, at + 3) as [string, string, string]
    const place = index === '' ? next : read(index)
    const position = { epoch, offset: read(offset) }
    if (!epoch || !(place >= next) || !Number.isSafeInteger(position.offset)) return undefined
    places.set(place, position)
    next = place + 1
  }
  return places
}

/** The whole epoch of a place, where what is left of it is the one of now's. */
export function inLife(place: Position, now: string): Position {
  return place.epoch !== now && place.epoch === shorten(now) ? { epoch: now, offset: place.offset } : place
}

/** What tells these logs, in this order, from others. */
export function signOf(names: readonly string[]): string {
  return `s${hash(JSON.stringify(names)).toString(36)}`
}

/** Which of so many logs a topic is in. */
export function logOf(topic: string, count: number): number {
  return hash(topic) % count
}

function write(sign: string, places: ReadonlyMap<number, Position>, epochOf: (epoch: string) => string): string {
  let id = sign
  let next = 0
  for (const [index, { epoch, offset }] of places) {
    id += `.${index === next ? '' : index.toString(36)}.${epochOf(epoch)}.${offset.toString(36)}`
    next = index + 1
  }
  return id
}

function read(text: string): number {
  return /^[0-9a-z]{1,11}$/.test(text) ? Number.parseInt(text, 36) : Number.NaN
}

function shorten(epoch: string): string {
  return `~${(hash(epoch) % 36 ** SHORT).toString(36)}`
}
