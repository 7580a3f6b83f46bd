import { describe, expect, test } from 'vitest'
import { conformance, expectationOf, expected, recorded } from '../protocol/fixtures.ts'
import { type Call, plainParse, utf8 } from './plain-parser.ts'

const events = (calls: Call[]) => calls.flatMap((call) => (call[0] === 'event' ? [call[1]] : []))
const message = (data: string, type = 'message', id = '') => ({ type, data, id })

describe('the oracle agrees with what the fixtures say by hand', () => {
  for (const fixture of [...conformance(), ...recorded()]) {
    test(fixture.name, () => {
      const calls = plainParse(fixture.bytes, fixture.options)
      expect(expectationOf(calls, fixture.options), fixture.spec).toEqual(expected(fixture))
    })
  }
})

describe('the oracle agrees with the examples of §9.2.6', () => {
  test('three data lines are one event', () => {
    expect(events(plainParse('data: YHOO\ndata: +2\ndata: 10\n\n'))).toEqual([message('YHOO\n+2\n10')])
  })
  test('four blocks: a comment, an id, an id that resets, and one that is never finished', () => {
    const stream =
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n: and then\ndata: fourth'
    expect(events(plainParse(stream))).toEqual([
      message('first event', 'message', '1'),
      message('second event'),
      message(' third event'),
    ])
  })
  test('two events of empty lines, and a third that is dropped', () => {
    expect(events(plainParse('data\n\ndata\ndata\n\ndata:'))).toEqual([message(''), message('\n')])
  })
  test('with and without a space the events are the same', () => {
    expect(events(plainParse('data:test\n\ndata: test\n\n'))).toEqual([message('test'), message('test')])
  })
})

describe('the oracle reads UTF-8 as the platform does', () => {
  const platform = new TextDecoder('utf-8', { ignoreBOM: true })
  /** Collects sequences with a letter after each, and compares them in one go. */
  function compare(sequences: Iterable<readonly number[]>) {
    const bytes = new Uint8Array([...sequences].flatMap((sequence) => [...sequence, 0x41]))
    expect(utf8(bytes) === platform.decode(bytes)).toBe(true)
  }
  const every = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
  const edges = [
    0x00, 0x0a, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xf0, 0xf4, 0xff,
  ]

  test('every byte', () => compare(every(0, 255).map((byte) => [byte])))
  test('every pair of bytes', () => compare(every(0, 255).flatMap((a) => every(0, 255).map((b) => [a, b]))))
  test('every lead byte with the edges of all ranges behind it', () => {
    compare(
      every(0xc0, 0xff).flatMap((a) => edges.flatMap((b) => edges.flatMap((c) => edges.map((d) => [a, b, c, d])))),
    )
  })
  test('every code point', () => {
    const points = every(0, 0x10ffff).filter((point) => point < 0xd800 || point > 0xdfff)
    let text = ''
    for (const point of points) text += String.fromCodePoint(point)
    expect(utf8(new TextEncoder().encode(text)) === text).toBe(true)
  })
  test('a sequence cut by the end of the body', () => {
    for (const bytes of [[0xc3], [0xe2], [0xe2, 0x82], [0xf0], [0xf0, 0x9f], [0xf0, 0x9f, 0x98], [0xff], [0xe0, 0x80]])
      expect(utf8(new Uint8Array(bytes))).toBe(platform.decode(new Uint8Array(bytes)))
  })
})
