import { describe, expect, test } from 'vitest'
import { UnmissedError } from '../../src/index.ts'
import { collector, event, thrown } from './collector.ts'
import { record, recorder } from './record.ts'

const encoder = new TextEncoder()

describe('maxEventSize', () => {
  const max = 1000
  const half = 'x'.repeat(max / 2)
  const twice = 'x'.repeat(max * 2)

  /** Sizes of chunks: the answer must not depend on how a body happens to be cut. */
  const sizes = [1, 7, 64, 1500, Number.POSITIVE_INFINITY]

  function pieces(stream: string, size: number): string[] {
    const pieces: string[] = []
    for (let at = 0; at < stream.length; at += size) pieces.push(stream.slice(at, at + size))
    return pieces
  }

  const tooLarge: Record<string, string> = {
    'an endless data line': `data: ${twice}`,
    'a data line that does end': `data: ${twice}\n\ndata: b\n\n`,
    'many data lines': `data: ${half.slice(0, 100)}\n`.repeat(20),
    'many data lines that do end': `${`data: ${half.slice(0, 100)}\n`.repeat(20)}\ndata: b\n\n`,
    'many empty data lines': 'data\n'.repeat(max * 2),
    'an endless comment': `: ${twice}`,
    'an endless id': `id: ${twice}`,
    'an endless event name': `event: ${twice}`,
    'an endless retry': `retry: ${'0'.repeat(max * 2)}`,
    'an endless unknown field': `foo: ${twice}`,
    'an endless field name': twice,
    'data, id and event name together': `id: ${half}\nevent: ${half}\ndata: ${half}\n`,
    'endless characters of several bytes': `data: ${'日'.repeat(max * 2)}`,
  }

  describe.each(Object.entries(tooLarge))('is crossed by %s', (_, stream) => {
    test.each(sizes)('in chunks of %d', (size) => {
      for (const chunks of [pieces(stream, size), pieces(stream, size).map((piece) => encoder.encode(piece))]) {
        const { calls, parser } = recorder({ maxEventSize: max, flush: true })
        parser.push('id: 1\ndata: a\n\n')
        const before = [
          ['id', '1'],
          ['event', event('a', '1')],
        ]
        const error = thrown(() => {
          for (const chunk of chunks) parser.push(chunk)
        })
        expect(error).toBeInstanceOf(UnmissedError)
        expect(error).toMatchObject({ code: 'event-too-large', message: expect.stringContaining(`${max}`) })
        expect(calls).toEqual(before)

        // Finished: no push and no end brings anything more.
        expect(thrown(() => parser.push('\n\ndata: b\n\n'))).toMatchObject({ code: 'event-too-large' })
        expect(thrown(() => parser.push(encoder.encode('\n\n')))).toMatchObject({ code: 'event-too-large' })
        try {
          parser.end()
        } catch (error) {
          expect(error).toMatchObject({ code: 'event-too-large' })
        }
        expect(calls).toEqual(before)
      }
    })
  })

  test('events before the crossing were dispatched, those of the same chunk too', () => {
    const { events, parser } = collector({ maxEventSize: max })
    expect(thrown(() => parser.push(`data: a\n\ndata: b\n\ndata: ${twice}`))).toMatchObject({ code: 'event-too-large' })
    expect(events).toEqual([event('a'), event('b')])
  })

  const small: Record<string, string> = {
    'a data line of half the size': `data: ${half}\n\n`,
    'two data lines of nearly half each': `data: ${half.slice(20)}\ndata: ${half.slice(20)}\n\n`,
    'many events, each of half the size': `data: ${half}\n\n`.repeat(20),
    'comments of half the size each, without a blank line between': `: ${half}\n`.repeat(20),
    'ten thousand heartbeats without a blank line': ':thump\n'.repeat(10_000),
    'unknown fields of half the size each, in one block': `foo: ${half}\n`.repeat(20),
    'many ids in one block, of which the last counts': `${`id: ${half.slice(250)}\n`.repeat(20)}data: a\n\n`,
    'many event names in one block, of which the last counts': `${`event: ${half.slice(250)}\n`.repeat(20)}data: a\n\n`,
    'an id that stays in force over many events': `id: ${half}\ndata: a\n\n${`data: ${half.slice(20)}\n\n`.repeat(5)}`,
    'many blank lines': '\n'.repeat(5000),
    'characters of three bytes, which are one unit each': `data: ${'日'.repeat(max / 2)}\n\n`,
  }

  test.each(Object.entries(small))('is not crossed by %s', (_, stream) => {
    for (const size of sizes) {
      const text = pieces(stream, size)
      const bytes = encoder.encode(stream)
      const expected = record([stream])
      expect(record(text, { maxEventSize: max }), `text in chunks of ${size}`).toEqual(expected)
      const cut: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) cut.push(bytes.subarray(at, at + size))
      expect(record(cut, { maxEventSize: max }), `bytes in chunks of ${size}`).toEqual(expected)
    }
  })

  test('is 16777216 by default', () => {
    const piece = 'x'.repeat(2 ** 16)
    const { parser } = collector()
    parser.push('data: ')
    for (let at = 0; at < 255; at++) parser.push(piece)
    expect(
      thrown(() => {
        for (let at = 0; at < 3; at++) parser.push(piece)
      }),
    ).toMatchObject({ code: 'event-too-large', message: expect.stringContaining('16777216') })
  })

  test('may be Infinity', () => {
    const { events, parser } = collector({ maxEventSize: Number.POSITIVE_INFINITY })
    parser.push(`data: ${twice}`)
    parser.push('\n\n')
    expect(events).toEqual([event(twice)])
  })
})
