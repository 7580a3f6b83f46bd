import { describe, expect, test } from 'vitest'
import { createParser, type ParserOptions } from '../../src/index.ts'
import { event, thrown } from './collector.ts'
import { record } from './record.ts'

const encoder = new TextEncoder()

describe('a callback that throws', () => {
  const boom = new Error('boom')

  test('its error leaves push, as it is', () => {
    const parser = createParser({
      onEvent: () => {
        throw boom
      },
    })
    expect(thrown(() => parser.push('data: a\n\n'))).toBe(boom)
  })

  /** A parser whose callbacks throw at the calls of these numbers, after writing them down. */
  function throwing(numbers: readonly number[], options: ParserOptions = {}) {
    const calls: unknown[] = []
    const note = (kind: string) => (value: unknown) => {
      calls.push([kind, value])
      if (numbers.includes(calls.length)) throw boom
    }
    const parser = createParser({
      ...options,
      onEvent: note('event'),
      onId: note('id'),
      onRetry: note('retry'),
      onComment: note('comment'),
    })
    return { calls, parser }
  }

  test('the rest of the chunk comes with the next push', () => {
    const { calls, parser } = throwing([1])
    expect(thrown(() => parser.push('data: a\n\ndata: b\n\nid: 1\nda'))).toBe(boom)
    expect(calls).toEqual([['event', event('a')]])
    parser.push('ta: c\n\n')
    expect(calls.slice(1)).toEqual([
      ['event', event('b')],
      ['id', '1'],
      ['event', event('c', '1')],
    ])
  })

  test('the rest of the chunk comes with the next push, though that is empty', () => {
    for (const empty of ['', new Uint8Array()]) {
      const { calls, parser } = throwing([1])
      expect(thrown(() => parser.push('data: a\n\ndata: b\n\n'))).toBe(boom)
      parser.push(empty)
      expect(calls).toEqual([
        ['event', event('a')],
        ['event', event('b')],
      ])
    }
  })

  test('the rest of the chunk comes with the end', () => {
    for (const flush of [false, true]) {
      const { calls, parser } = throwing([1], { flush })
      expect(thrown(() => parser.push('data: a\n\ndata: b\n\ndata: c'))).toBe(boom)
      parser.end()
      expect(calls.slice(1)).toEqual([['event', event('b')], ...(flush ? [['event', event('c')]] : [])])
    }
  })

  test('an onId that throws does not cost the event of its block', () => {
    const { calls, parser } = throwing([1])
    expect(thrown(() => parser.push('id: 1\ndata: a\n\ndata: b\n\n'))).toBe(boom)
    parser.push('')
    expect(calls).toEqual([
      ['id', '1'],
      ['event', event('a', '1')],
      ['event', event('b', '1')],
    ])
  })

  test('one that throws at every call still makes every call once, in order, wherever the body is cut', () => {
    const stream = '\uFEFF: é\r\nretry: 5\rid: 1\ndata: a\r\n\r\ndata: 😀\n\nevent: t\ndata: b\rdata: c\r\r: x\n'
    const bytes = encoder.encode(stream)
    const expected = record([stream])
    for (let at = 0; at <= bytes.length; at++) {
      const { calls, parser } = throwing([...Array(20).keys()].map((number) => number + 1))
      const attempt = (act: () => void) => {
        try {
          act()
        } catch (error) {
          expect(error).toBe(boom)
        }
      }
      attempt(() => parser.push(bytes.subarray(0, at)))
      attempt(() => parser.push(bytes.subarray(at)))
      for (let round = 0; round < 10; round++) attempt(() => parser.push(''))
      expect(calls, `cut at ${at}`).toEqual(expected)
    }
  })

  test('what waits behind several throws is complete and in order, bytes that are not yet text included', () => {
    const { calls, parser } = throwing([1, 2, 3])
    const bytes = (text: string) => encoder.encode(text)
    expect(thrown(() => parser.push(bytes('data:1\n\ndata:2\n\ndata:3\n\n').subarray(0, 24)))).toBe(boom)
    expect(thrown(() => parser.push(bytes('da')))).toBe(boom)
    // Neither the two bytes nor this chunk may be lost with the error of an earlier event.
    expect(thrown(() => parser.push(bytes('ta: 4\n\ndata: the fifth, in a chunk of some length\n\n')))).toBe(boom)
    parser.push(new Uint8Array())
    expect(calls).toEqual(
      ['1', '2', '3', '4', 'the fifth, in a chunk of some length'].map((data) => ['event', event(data)]),
    )
  })

  test('what it left behind is measured event by event, not as a whole', () => {
    const { calls, parser } = throwing([1], { maxEventSize: 100 })
    expect(thrown(() => parser.push('data: a\n\n'.repeat(100)))).toBe(boom)
    parser.push('')
    expect(calls).toHaveLength(100)
  })

  test('the limit still holds for what it left behind', () => {
    const { calls, parser } = throwing([1], { maxEventSize: 100 })
    expect(thrown(() => parser.push(`data: a\n\ndata: b\n\ndata: ${'x'.repeat(300)}`))).toBe(boom)
    expect(thrown(() => parser.push(''))).toMatchObject({ code: 'event-too-large' })
    expect(calls).toEqual([
      ['event', event('a')],
      ['event', event('b')],
    ])
  })
})

describe('a push inside a callback', () => {
  const forms: [string, (text: string) => Uint8Array | string][] = [
    ['text', (text) => text],
    ['bytes', (text) => encoder.encode(text)],
  ]

  test.each(forms)('waits until the chunk has been read, as %s', (_, form) => {
    for (const filler of ['', ' with enough text to make the chunk a long one']) {
      const events: string[] = []
      const parser = createParser({
        onEvent: ({ data }) => {
          events.push(data)
          if (data === 'a') {
            parser.push(form(`data: c\n\nda`))
            parser.push(form(`ta: d${filler}\n\n`))
          }
        },
      })
      parser.push(form(`data: a\n\ndata: b${filler}\n\n`))
      parser.push(form('data: e\n\n'))
      expect(events).toEqual(['a', `b${filler}`, 'c', `d${filler}`, 'e'])
    }
  })

  test.each(forms)('goes on the line that the chunk leaves open, as %s', (_, form) => {
    const events: string[] = []
    const parser = createParser({
      onEvent: ({ data }) => {
        events.push(data)
        if (data === 'a') parser.push(form(' and its end\n\n'))
      },
    })
    parser.push(form('data: a\n\ndata: a line that waits for more'))
    expect(events).toEqual(['a', 'a line that waits for more and its end'])
  })

  test('as deep as it may go, it costs no stack', () => {
    let count = 0
    const parser = createParser({
      onEvent: () => {
        if (++count < 20_000) parser.push('data: a\n\n')
      },
    })
    parser.push('data: a\n\n')
    expect(count).toBe(20_000)
  })

  test('an end inside a callback comes after the chunk, too', () => {
    const events: string[] = []
    const parser = createParser({
      flush: true,
      onEvent: ({ data }) => {
        events.push(data)
        if (data === 'a') parser.end()
      },
    })
    parser.push('data: a\n\ndata: b\n\ndata: c')
    expect(thrown(() => parser.push('data: d\n\n'))).toMatchObject({ code: 'parser-ended' })
    expect(events).toEqual(['a', 'b', 'c'])
  })
})
