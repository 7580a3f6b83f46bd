import fc from 'fast-check'
import { comment, encode, type OutgoingEvent, UnmissedError } from '../../src/index.ts'
import { type Call, plainParse, utf8 } from '../helpers/plain-parser.ts'
import {
  anyEvent,
  anyString,
  anyText,
  bytes,
  chunks,
  cuts,
  goodEvent,
  options,
  regular,
  regularBytes,
} from './arbitraries.ts'
import { type Chunk, print, record, recorder, slice } from './record.ts'

// What holds for any input. `properties.test.ts` tries each a thousand times, `test/fuzz.ts` for as long as it is told.

const encoder = new TextEncoder()

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

/** What may count towards the limit or not: the name of the field, and some bytes that are not decoded yet. */
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
    else if (name === 'id' && !value.includes('\0')) id = value.length
  }
  return undefined
}

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

  'streams as servers write them, as bytes': fc.property(regularBytes, cuts, options, (body, cuts, options) => {
    same(record(borrowed(chunks(body, cuts)), options), plainParse(body, options))
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
    fc.oneof(bytes, anyText, regular, regularBytes),
    cuts,
    options,
    fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
    fc.boolean(),
    (body: Chunk, cuts, options, throws, patient) => {
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
      // After an error the rest of the chunk waits: an empty chunk asks for it, and so does the next one.
      const nothing = typeof body === 'string' ? '' : new Uint8Array()
      for (const chunk of typeof body === 'string' ? chunks(body, cuts) : borrowed(chunks(body, cuts))) {
        if (!attempt(() => parser.push(chunk)) && patient) attempt(() => parser.push(nothing))
      }
      for (let rounds = 0; !attempt(() => parser.push(nothing)); rounds++)
        if (rounds > body.length) throw new Error('it never ends')
      if (!options.flush) attempt(() => parser.end())
      same(calls, plainParse(body, { ...options, flush: false }))
    },
  ),

  'the limit holds wherever the body is cut, and costs no call before it': fc.property(
    fc.oneof(bytes, anyText, regular, regularBytes),
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
