import fc from 'fast-check'
import { comment, encode, type OutgoingEvent, UnmissedError } from '../../src/index.ts'
import { type Call, plainParse, utf8 } from '../helpers/plain-parser.ts'
import { type Chunk, cut, print, record, recorder, slice } from './record.ts'

// What holds for any input. `properties.test.ts` tries each some hundred times, `test/fuzz.ts` for as long as it is told.

const encoder = new TextEncoder()

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes)

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
    bytesOf(0xc3),
    bytesOf(0xe2, 0x82),
    bytesOf(0xf0, 0x9f, 0x98),
    bytesOf(0xef, 0xbb),
    bytesOf(0xc0, 0x8a),
    bytesOf(0xe0, 0x80, 0x8d),
    bytesOf(0xed, 0xa0, 0x80),
    bytesOf(0xf4, 0x90, 0x80, 0x80),
    bytesOf(0xff),
    bytesOf(0x80),
    bytesOf(0xef, 0xbb, 0xbf),
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
const anyText = fc
  .array(fc.oneof({ weight: 12, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom('\uD83D', '\uDE00') }), {
    maxLength: 40,
  })
  .map((pieces) => pieces.join(''))

/** Streams as servers write them: long, regular, and cut by the network in pieces of one size. */
const regular = fc
  .record({
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    frames: fc.array(
      fc.record({
        lines: fc.array(
          fc.oneof(
            {
              weight: 5,
              arbitrary: fc.constantFrom('data: {"delta":"ab"}', 'data: x', 'data:', 'event: tick', 'id: 7', ': ping'),
            },
            {
              weight: 2,
              arbitrary: fc.constantFrom(
                'data: grün',
                'data: 日本語のトークン',
                'data: 😀',
                'retry: 10',
                'id',
                'foo: bar',
              ),
            },
            { weight: 1, arbitrary: fc.nat(3000).map((length) => `data: ${'0123456789'.repeat(length / 10)}`) },
          ),
          { minLength: 1, maxLength: 4 },
        ),
        times: fc.integer({ min: 1, max: 12 }),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    bom: fc.boolean(),
  })
  .map(({ lineEnd, frames, bom }) => {
    const body = frames.map(({ lines, times }) =>
      [...lines, '', '']
        .join(lineEnd)
        .repeat(times)
        .replaceAll(lineEnd + lineEnd + lineEnd, lineEnd + lineEnd),
    )
    return `${bom ? '\uFEFF' : ''}${body.join('')}`
  })

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
type Cuts = number[] | { size: number }
const cuts: fc.Arbitrary<Cuts> = fc.oneof(
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 12 }),
  fc.record({ size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(23, 24, 25, 64, 512, 1024, 4096)) }),
)

function chunks<Body extends Chunk>(body: Body, cuts: Cuts): Body[] {
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

const options = fc.record({ flush: fc.boolean(), lastEventId: fc.constantFrom(undefined, '', '7') })

/** Compares as text, which is quick; the message is for whoever must find the difference. */
function same(seen: readonly unknown[], meant: readonly unknown[], what = '') {
  const [a, b] = [print(seen as Call[]), print(meant as Call[])]
  if (a !== b) throw new Error(`${what}\nseen:  ${a}\nmeant: ${b}`)
}

/** Feeds a parser from memory that is used again at once, as a reader that brings its own buffer does. */
function* borrowed(body: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const chunk of body) {
    const memory = chunk.slice()
    yield memory
    memory.fill(0x0a)
  }
}

const SLACK = 40

/** The text before the first line with which an event, as far as it is kept, is larger than this; none if there is no such line. */
function beforeCrossing(body: Chunk, size: number): string | undefined {
  const text = typeof body === 'string' ? body : utf8(body)
  let before = ''
  let data = 0
  let type = 0
  let id = 0
  for (const [line, content = ''] of text.matchAll(/([^\r\n]*)(?:\r\n|\r|\n|$)/g)) {
    if (data + type + id + content.length > size) return before
    before += line
    const [name, value = ''] = content.split(/:(.*)/s)
    if (content === '') data = type = id = 0
    else if (name === 'data') data += value.length + 1
    else if (name === 'event') type = value.length
    else if (name === 'id') id = value.length
  }
  return undefined
}

/** An event whose strings may hold anything, line ends and NUL included. */
const anyString = fc.oneof(
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
const goodEvent = outgoing(oneLine, fc.maxSafeNat())
const anyEvent = outgoing(anyString, fc.oneof(fc.maxSafeNat(), fc.double(), fc.integer({ max: -1 })))

/** What readers must see of these events, one after the other: line ends in data normalised, the id still in force. */
function meaning(events: readonly OutgoingEvent[]): unknown[] {
  let inForce = ''
  return events.flatMap(({ type, data, id, retry }) => {
    if (id !== undefined) inForce = id
    const calls: unknown[] = []
    if (retry !== undefined) calls.push(['retry', retry])
    if (id !== undefined) calls.push(['id', id])
    if (data !== undefined) {
      const text = typeof data === 'string' ? data.replace(/\r\n|\r/g, '\n') : JSON.stringify(data)
      calls.push(['event', { type: type || 'message', data: text, id: inForce }])
    }
    return calls
  })
}

/** The lines of a frame, by every way in which a line can end, its blank line apart. */
function linesOf(frame: string): string[] {
  const lines = frame.split(/\r\n|\r|\n/)
  // A blank line ends the frame, and nothing stands behind it.
  same(lines.slice(-2), ['', ''], `the frame ${JSON.stringify(frame)} ends otherwise`)
  return lines.slice(0, -2)
}

export const properties = {
  'any bytes, any cuts: the calls are those of the standard': fc.property(
    bytes,
    cuts,
    options,
    (body, cuts, options) => {
      same(record(borrowed(chunks(body, cuts)), options), plainParse(body, options))
    },
  ),

  'any text, any cuts: the calls are those of the standard': fc.property(
    anyText,
    cuts,
    options,
    (body, cuts, options) => {
      same(record(chunks(body, cuts), options), plainParse(body, options))
    },
  ),

  'streams as servers write them, as bytes': fc.property(regular, cuts, options, (body, cuts, options) => {
    const bytes = encoder.encode(body)
    same(record(borrowed(chunks(bytes, cuts)), options), plainParse(bytes, options))
  }),

  'streams as servers write them, as text': fc.property(regular, cuts, options, (body, cuts, options) => {
    same(record(chunks(body, cuts), options), plainParse(body, options))
  }),

  'every call is made by the push that brings its line end': fc.property(
    fc.oneof(bytes, anyText),
    cuts,
    (body: Chunk, cuts) => {
      const { calls, parser } = recorder()
      let length = 0
      for (const chunk of chunks(body, cuts)) {
        parser.push(chunk)
        length += chunk.length
        same(calls, plainParse(slice(body, 0, length)), `after ${length}`)
      }
    },
  ),

  'callbacks that throw cost no call and change no order': fc.property(
    bytes,
    cuts,
    options,
    fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
    (body, cuts, options, throws) => {
      const { calls, parser } = recorder(options, () => {
        if (throws[calls.length % throws.length]) throw new RangeError('boom')
      })
      const attempt = (act: () => void) => {
        try {
          act()
          return true
        } catch (error) {
          if (error instanceof RangeError) return false
          throw error
        }
      }
      // After an error the rest of the chunk waits: an empty push asks for it.
      for (const chunk of borrowed(chunks(body, cuts))) {
        if (attempt(() => parser.push(chunk))) continue
        for (let rounds = 0; !attempt(() => parser.push('')); rounds++)
          if (rounds > body.length) throw new Error('it never ends')
      }
      if (!options.flush) attempt(() => parser.end())
      same(calls, plainParse(body, { ...options, flush: false }))
    },
  ),

  'the limit holds wherever the body is cut, and costs no call before it': fc.property(
    fc.oneof(bytes, anyText, regular),
    cuts,
    fc.integer({ min: 100, max: 400 }),
    (body: Chunk, cuts, maxEventSize) => {
      const { calls, parser } = recorder({ maxEventSize })
      let crossed = false
      try {
        for (const chunk of chunks(body, cuts)) parser.push(chunk)
      } catch (error) {
        if (!(error instanceof UnmissedError) || error.code !== 'event-too-large') throw error
        crossed = true
      }
      // A field's name and a handful of bytes that are not decoded yet may count or not: within the slack both are right.
      const certain = beforeCrossing(body, maxEventSize - SLACK)
      const late = beforeCrossing(body, maxEventSize + SLACK)
      if (crossed && certain === undefined) throw new Error('it threw, though nothing is near the limit')
      if (!crossed && late !== undefined) throw new Error('it did not throw, though the limit was crossed')
      const all = plainParse(body)
      if (!crossed) return same(calls, all)
      same(calls, all.slice(0, calls.length), 'the calls before the error')
      const least = plainParse(certain as string).length
      if (calls.length < least) throw new Error(`${calls.length} calls before the error, not ${least}`)
    },
  ),

  'what is encoded is what is read, any events, any cuts': fc.property(
    fc.array(goodEvent, { maxLength: 8 }),
    cuts,
    (events, cuts) => {
      const stream = events.map((event) => encode(event)).join('')
      same(record(chunks(stream, cuts)), meaning(events), 'as text')
      same(record(borrowed(chunks(encoder.encode(stream), cuts))), meaning(events), 'as bytes')
    },
  ),

  'a frame holds the lines that were asked for and no others': fc.property(anyEvent, (event) => {
    let frame: string
    try {
      frame = encode(event)
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error
      // Only what would have become a line of its own, or void, is refused.
      const bad = [event.type, event.id].some((value) => value !== undefined && /[\r\n\0]/.test(value))
      if (!bad && (event.retry === undefined || (Number.isSafeInteger(event.retry) && event.retry >= 0))) throw error
      return
    }
    const { type, data, id, retry } = event
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    const asked = [
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...(type ? [`event: ${type}`] : []),
      ...(retry === undefined ? [] : [`retry: ${retry}`]),
      ...(data === undefined ? [] : (text as string).split(/\r\n|\r|\n/).map((line) => `data: ${line}`)),
    ]
    same(linesOf(frame).sort(), asked.sort(), JSON.stringify(frame))
  }),

  'a comment is one comment line, or refused': fc.property(anyString, (value) => {
    let frame: string
    try {
      frame = comment(value)
    } catch (error) {
      if (!(error instanceof TypeError) || !/[\r\n\0]/.test(value)) throw error
      return
    }
    same(linesOf(frame), [value ? `: ${value}` : ':'])
    same(plainParse(frame), [['comment', value]])
  }),
}
