import { describe, expect, test } from 'vitest'
import { fromId } from '../../../src/log/log.ts'
import { inLife, logOf, readPlaces, signOf, writePlaces } from '../../../src/server/hub/places.ts'

const names = Array.from({ length: 64 }, (_, index) => `events ${index}`)
const sign = signOf(names)
const position = (epoch: string, offset: number) => ({ epoch, offset })

describe('an id of places in several logs', () => {
  test.each([
    ['one', [[0, position('a', 0)]]],
    [
      'some',
      [
        [0, position('mh3k2l1xabcdef', 17)],
        [1, position('x', 2 ** 53 - 1)],
        [63, position('~y', 4)],
      ],
    ],
    ['not the first', [[5, position('a', 12)]]],
  ] as const)('is read back as it was written: %s', (_, places) => {
    expect([...(readPlaces(sign, writePlaces(sign, new Map(places))) ?? [])]).toEqual(places)
  })

  test('has at most a kilobyte for 64 logs of 78 billion events, each in a life of its own', () => {
    const places = new Map(names.map((_, index) => [index, position(`mh3k2l1x${index}abcd`, 78e9)]))
    const id = writePlaces(sign, places)
    expect(id.length).toBeLessThanOrEqual(1024)
    // Shortened, but each is known again in the life that it is of.
    const read = readPlaces(sign, id) as Map<number, { epoch: string; offset: number }>
    for (const [index, place] of places) {
      expect(inLife(read.get(index) as typeof place, place.epoch)).toEqual(place)
      expect(inLife(read.get(index) as typeof place, 'another').epoch).not.toBe('another')
    }
  })

  test('is no position of one log', () => {
    expect(fromId(writePlaces(sign, new Map([[0, position('a', 1)]])))).toBeUndefined()
    expect(fromId(writePlaces(sign, new Map([[3, position('1', 1)]])))).toBeUndefined()
  })

  test('is nothing to other logs, in another order, or of another number', () => {
    const id = writePlaces(sign, new Map([[0, position('a', 1)]]))
    for (const others of [names.slice(1), [...names].reverse(), [...names, 'more'], ['events 0']]) {
      expect(readPlaces(signOf(others), id)).toBeUndefined()
    }
  })

  test.each([
    '',
    sign,
    `${sign}.`,
    `${sign}.0`,
    `${sign}.0.a`,
    `${sign}.0.a.`,
    `${sign}.0..1`,
    `${sign}.0.a.1.0`,
    `${sign}.0.a.-1`,
    `${sign}.0.a.zzzzzzzzzzzz`,
    `${sign}.1.a.1.0.a.1`,
    `${sign}.-1.a.1`,
    `${sign}.0.a.1.0.b.1`,
    'mh3k2l1xabcdef.17',
  ])('is not %j', (id) => {
    expect(readPlaces(sign, id)).toBeUndefined()
  })
})

test('topics are spread evenly, however alike their names are', () => {
  for (const count of [2, 3, 8, 64]) {
    const sizes = Array.from({ length: count }, () => 0)
    for (let n = 0; n < 64_000; n++) (sizes[logOf(`user/${n}`, count)] as number)++
    const even = 64_000 / count
    expect(Math.max(...sizes)).toBeLessThan(even * 1.15)
    expect(Math.min(...sizes)).toBeGreaterThan(even * 0.85)
  }
})

test('a topic is in the same log for as long as there are as many', () => {
  expect(['news', 'user/1', 'größe', '日本'].map((topic) => logOf(topic, 8))).toEqual([5, 3, 7, 5])
})
