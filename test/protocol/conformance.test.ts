import { describe, expect, test } from 'vitest'
import { plainParse } from '../helpers/plain-parser.ts'
import { type Case, conformance, expectationOf, expected, recorded } from './fixtures.ts'
import { type Chunk, cut, print, record, recorder, slice } from './record.ts'

/** A case's body as bytes and as the text that a decoder would hand on, its BOM still there. */
function bodies({ bytes }: Case): Chunk[] {
  return [bytes, new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)]
}

const form = (body: Chunk) => (typeof body === 'string' ? 'text' : 'bytes')

/** Long bodies would make pairs of cuts a matter of minutes; what a pair can break, a short body shows. */
const SHORT = 40

describe.each([
  { title: 'fixtures/conformance.json', cases: conformance(), least: 200 },
  { title: 'fixtures/recorded', cases: recorded(), least: 12 },
])('$title', ({ cases, least }) => {
  test(`has at least ${least} cases, each with a name of its own and the clause it proves`, () => {
    expect(cases.length).toBeGreaterThanOrEqual(least)
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
    expect(cases.filter(({ spec }) => !spec)).toEqual([])
  })

  for (const fixture of cases) {
    describe(fixture.name, () => {
      const { options, spec } = fixture
      const calls = print(plainParse(fixture.bytes, options))

      /** `expect` for each of thousands of cuts would take minutes. */
      function check(chunks: Chunk[], how: string) {
        const seen = print(record(chunks, options))
        if (seen !== calls) expect(seen, `${spec}\n${how}: ${JSON.stringify(chunks.map(String))}`).toBe(calls)
      }

      test('whole', () => {
        for (const body of bodies(fixture)) {
          const seen = expectationOf(record([body], options), options)
          expect(seen, `${spec}\n${form(body)}`).toEqual(expected(fixture))
          check([body], form(body))
        }
      })

      test('split at every point', () => {
        for (const body of bodies(fixture))
          for (let at = 0; at <= body.length; at++) check(cut(body, [at]), `${form(body)}, split at ${at}`)
      })

      const twice = () => {
        for (const body of bodies(fixture))
          for (let a = 0; a <= body.length; a++)
            for (let b = a; b <= body.length; b++) check(cut(body, [a, b]), `${form(body)}, split at ${a} and ${b}`)
      }
      // The number of cuts grows with the square of the length.
      if (fixture.bytes.length <= SHORT) test('split at every two points', twice)

      test('byte by byte, and with empty chunks between', () => {
        const bytes = Array.from(fixture.bytes, (byte) => Uint8Array.of(byte))
        const nothing = new Uint8Array()
        check(bytes, 'byte by byte')
        check([nothing, ...bytes.flatMap((byte) => [byte, nothing])], 'byte by byte, empty chunks between')
      })

      test('character by character, and by halves of surrogate pairs', () => {
        const text = bodies(fixture)[1] as string
        check([...text], 'by code points')
        check(text.split(''), 'by UTF-16 units')
        check(['', ...text.split('').flatMap((unit) => [unit, ''])], 'by UTF-16 units, empty chunks between')
      })

      test('in chunks of text and bytes by turns', () => {
        const text = bodies(fixture)[1] as string
        const encoder = new TextEncoder()
        const turns = [...text].map((character, at) => (at % 2 ? character : encoder.encode(character)))
        check(turns, 'by turns')
      })

      test('every call is made as soon as its line end is there', () => {
        for (const body of bodies(fixture)) {
          const { calls, parser } = recorder(options)
          let made = '[]'
          for (let at = 0; at < body.length; at++) {
            const piece = slice(body, at, at + 1)
            parser.push(piece)
            // Only a CR or an LF can end a line, so between them the oracle need not be asked.
            if (piece === '\r' || piece === '\n' || piece[0] === 13 || piece[0] === 10)
              made = print(plainParse(slice(body, 0, at + 1), { ...options, flush: false }))
            const seen = print(calls)
            if (seen !== made) expect(seen, `${spec}\n${form(body)}, after ${at + 1} of ${body.length}`).toBe(made)
          }
        }
      })
    })
  }
})
