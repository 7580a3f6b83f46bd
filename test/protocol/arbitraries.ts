import fc from 'fast-check'
import type { OutgoingEvent } from '../../src/index.ts'
import { type Chunk, cut } from './record.ts'

// The inputs of the properties: what means something to a parser, far more often than chance would have it.

const encoder = new TextEncoder()

/** Pieces that mean something to a parser, and pieces that nearly do. */
const text = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n', '\n\r') },
  { weight: 6, arbitrary: fc.constantFrom('data:', 'data: ', 'event: ', 'id: ', 'retry: ', ': ', ':', 'data', 'id') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(' ', '  ', '\t', '\0', '\uFEFF', '0', '42', '00', '-', 'a', 'x:y', '\u000B\u000C'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('é', '€', '日本', '😀', '\u2028', '\u2029', '\u0085', '\uFFFD', '\uFFFE', '\u{10FFFF}'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('dat', 'data\0', 'Data: ', 'event', 'retry', 'e', 'i', '__proto__', 'constructor: '),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('x', ' ', ':', 'é', '日'), fc.nat(80)).map(([unit, n]) => unit.repeat(n)),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('data: a\n\n', 'id: 1\r\nevent: t\r\ndata: b\r\n\r\n', ':thump\n', 'retry: 5\r'),
  },
)

/** Bytes that no text gives: sequences cut short, overlong or out of range. */
const broken = fc.oneof(
  fc.constantFrom(
    Uint8Array.of(0xc3),
    Uint8Array.of(0xe2, 0x82),
    Uint8Array.of(0xf0, 0x9f, 0x98),
    Uint8Array.of(0xef, 0xbb),
    Uint8Array.of(0xc0, 0x8a),
    Uint8Array.of(0xe0, 0x80, 0x8d),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
    Uint8Array.of(0xff),
    Uint8Array.of(0x80),
    Uint8Array.of(0xef, 0xbb, 0xbf),
  ),
  fc.uint8Array({ maxLength: 4 }),
)

export const bytes = fc
  .array(
    fc.oneof({ weight: 6, arbitrary: text.map((piece) => encoder.encode(piece)) }, { weight: 1, arbitrary: broken }),
    { maxLength: 40 },
  )
  .map(join)

/** Text as nobody's decoder gives it, too: with halves of surrogate pairs. */
export const anyText = fc
  .array(fc.oneof({ weight: 12, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom('\uD83D', '\uDE00') }), {
    maxLength: 40,
  })
  .map((pieces) => pieces.join(''))

const line = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom('data: {"delta":"ab"}', 'data: x', 'data:', 'event: tick', 'id: 7', ': ping'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('data: grün', 'data: 日本語のトークン', 'data: 😀', 'retry: 10', 'id', 'foo: bar'),
  },
  { weight: 1, arbitrary: fc.nat(300).map((times) => `data: ${'0123456789'.repeat(times)}`) },
)

/** Streams as servers write them: long, regular, and with the same line end throughout. */
export const regular = fc
  .record({
    bom: fc.constantFrom('', '\uFEFF'),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    blocks: fc.array(fc.tuple(fc.array(line, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 12 })), {
      minLength: 1,
      maxLength: 12,
    }),
  })
  .map(({ bom, lineEnd, blocks }) => {
    const frames = blocks.map(([lines, times]) => [...lines, '', ''].join(lineEnd).repeat(times))
    return `${bom}${frames.join('')}`
  })

export const regularBytes = regular.map((body) => encoder.encode(body))

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** Where to cut: at some places, or every so often. */
export type Cuts = number[] | { size: number }
export const cuts: fc.Arbitrary<Cuts> = fc.oneof(
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 12 }),
  fc.record({ size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(23, 24, 25, 64, 512, 1024, 4096)) }),
)

export function chunks<Body extends Chunk>(body: Body, cuts: Cuts): Body[] {
  if (Array.isArray(cuts)) {
    const places = cuts.map((place) => place % (body.length + 1))
    return cut(
      body,
      places.sort((a, b) => a - b),
    )
  }
  const places = []
  for (let at = cuts.size; at < body.length; at += cuts.size) places.push(at)
  return cut(body, places)
}

export const options = fc.record({ flush: fc.boolean(), lastEventId: fc.constantFrom(undefined, '', '7') })

/** An event whose strings may hold anything, line ends and NUL included. */
export const anyString = fc.oneof(
  { weight: 4, arbitrary: fc.array(text, { maxLength: 5 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)
const oneLine = anyString.map((value) => value.replace(/[\r\n\0]/g, ''))
const jsonValue = fc.jsonValue().filter((value) => typeof value !== 'string')

function outgoing(name: fc.Arbitrary<string>, retry: fc.Arbitrary<number>): fc.Arbitrary<OutgoingEvent> {
  return fc.record(
    {
      type: name,
      data: fc.oneof({ weight: 4, arbitrary: anyString }, { weight: 1, arbitrary: jsonValue }),
      id: name,
      retry,
    },
    { requiredKeys: [] },
  )
}
export const goodEvent = outgoing(oneLine, fc.maxSafeNat())
export const anyEvent = outgoing(anyString, fc.oneof(fc.maxSafeNat(), fc.double(), fc.integer({ max: -1 })))
