import { describe, expect, test } from 'vitest'
import { createParser, type ServerSentEvent, UnmissedError } from '../../src/index.ts'
import { collector, event, thrown } from './collector.ts'
import { record, recorder } from './record.ts'

const encoder = new TextEncoder()

describe('push', () => {
  test('without any callback, a stream is read and nothing happens', () => {
    const parser = createParser()
    parser.push('id: 1\nevent: t\nretry: 5\n: c\ndata: a\n\n')
    parser.end()
  })

  test('events are dispatched before push returns', () => {
    const { events, parser } = collector()
    parser.push('data: a\n\ndata: b\n\ndata: c')
    expect(events).toEqual([event('a'), event('b')])
  })

  test('takes a Buffer, and a view into a larger buffer', () => {
    const { events, parser } = collector()
    parser.push(Buffer.from('data: a\n\n'))
    parser.push(encoder.encode('xxdata: ü\n\nxx').subarray(2, 12))
    expect(events).toEqual([event('a'), event('ü')])
  })

  test('the memory of a chunk may be used for the next one as soon as push has returned', () => {
    const stream = encoder.encode('id: é1\r\ndata: 日本 😀\r\ndata: and a line of more than a few bytes\r\n\r\n')
    for (const size of [1, 2, 3, 5, 16, 30]) {
      const { events, parser } = collector()
      const memory = new Uint8Array(size)
      for (let at = 0; at < stream.length; at += size) {
        const piece = stream.subarray(at, at + size)
        memory.set(piece)
        parser.push(memory.subarray(0, piece.length))
        memory.fill(0x58)
      }
      expect(events, `${size} bytes`).toEqual([event('日本 😀\nand a line of more than a few bytes', 'é1')])
    }
  })

  test('an event is its own object, which later events do not change', () => {
    const { events, parser } = collector()
    parser.push('id: 1\ndata: a\n\n')
    const first = { ...(events[0] as ServerSentEvent) }
    parser.push('id: 2\nevent: t\ndata: b\n\n')
    expect(events[0]).toEqual(first)
    expect(events[0]).not.toBe(events[1])
  })

  test('an event has the three properties of its type and no others', () => {
    const { events, parser } = collector()
    parser.push('id: 1\nevent: __proto__\nconstructor: x\nretry: 5\ndata: a\n\n')
    expect(Object.entries(events[0] as ServerSentEvent)).toEqual([
      ['type', '__proto__'],
      ['data', 'a'],
      ['id', '1'],
    ])
  })

  test('two parsers do not know of each other', () => {
    const one = collector()
    const two = collector()
    one.parser.push('id: 1\nevent: t\ndata: a\r')
    two.parser.push('\ndata: b\n')
    one.parser.push('\n\r\n')
    two.parser.push('\n')
    expect([one.events, two.events]).toEqual([[event('a', '1', 't')], [event('b')]])
  })

  test('a retry too long for any number is a number all the same', () => {
    const calls = record([`retry: ${'9'.repeat(400)}\n`])
    expect(calls).toEqual([['retry', expect.any(Number)]])
    expect(calls[0]?.[1]).toBeGreaterThan(2 ** 31)
  })

  test('an empty chunk changes nothing, in mid character and mid line end, as text and as bytes', () => {
    for (const nothing of ['', new Uint8Array()]) {
      const { events, parser } = collector()
      for (const byte of encoder.encode('data: 日本 é😀\r\n\r\ndata: and a longer line\n\n')) {
        parser.push(Uint8Array.of(byte))
        parser.push(nothing)
      }
      expect(events).toEqual([event('日本 é😀'), event('and a longer line')])
    }
  })

  test('text after bytes ends a character that they broke off', () => {
    const { events, parser } = collector()
    parser.push(encoder.encode('data: é').subarray(0, -1))
    parser.push('!\n\n')
    expect(events).toEqual([event('\uFFFD!')])
  })

  test('bytes after text go on where it ended', () => {
    const { events, parser } = collector()
    parser.push('\uFEFFdata: a\r')
    parser.push(encoder.encode('\n\uFEFFdata: b\ndata: c\r'))
    parser.push('\n')
    parser.push(encoder.encode('\n'))
    expect(events).toEqual([event('a\nc')])
  })

  test('a megabyte in one line, one event or one chunk is no limit by itself', () => {
    const long = 'x'.repeat(2 ** 20)
    const { events, parser } = collector()
    parser.push(`data: ${long}\n\n`)
    for (let at = 0; at < 2 ** 10; at++) parser.push(at ? `data: ${long.slice(0, 1024)}\n` : 'event: t\n')
    parser.push('\n')
    expect(events.map(({ type, data }) => [type, data.length])).toEqual([
      ['message', 2 ** 20],
      ['t', 1023 * 1025 - 1],
    ])
  })
})

describe('the order of calls', () => {
  test('every callback is called in the order of the stream', () => {
    const stream = ': 1\nretry: 2\nid: 3\ndata: 4\n: 5\n\nretry: 6\nid: 7\n\n: 8\n'
    const calls = [
      ['comment', '1'],
      ['retry', 2],
      ['comment', '5'],
      ['id', '3'],
      ['event', event('4', '3')],
      ['retry', 6],
      ['id', '7'],
      ['comment', '8'],
    ]
    expect(record([stream])).toEqual(calls)
    expect(record(stream)).toEqual(calls)
  })

  test('the id is committed before its event is dispatched, so a listener may already resume after it', () => {
    let committed = ''
    const seen: string[] = []
    const parser = createParser({
      onId: (id) => {
        committed = id
      },
      onEvent: ({ id }) => void seen.push(`${id} ${committed}`),
    })
    parser.push('id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n')
    expect(seen).toEqual(['1 1', '1 1', '2 2'])
  })

  test('onId is called once for each block that names an id, the same id and the empty one included', () => {
    const ids = record(['id: 1\ndata: a\n\nid: 1\n\ndata: b\n\nid\n\nid: 2\nid: 3\ndata: c\n\nid: 4\0\n\n'])
    expect(ids.filter(([kind]) => kind === 'id')).toEqual([
      ['id', '1'],
      ['id', '1'],
      ['id', ''],
      ['id', '3'],
    ])
  })

  test('onId is told whether an event follows at once', () => {
    const seen: unknown[] = []
    const parser = createParser({
      onId: (...call) => void seen.push(call),
      onEvent: ({ data }) => void seen.push(data),
    })
    parser.push('id: 1\ndata: a\n\nid: 2\n\nid: 3\nevent: t\n\nid\ndata\n\n')
    expect(seen).toEqual([['1', true], 'a', ['2', false], ['3', false], ['', true], ''])
  })
})

describe('lastEventId', () => {
  test('is the id of events until the stream names another', () => {
    const { events, parser } = collector({ lastEventId: '41' })
    parser.push('data: a\n\nid: 42\ndata: b\n\n')
    expect(events).toEqual([event('a', '41'), event('b', '42')])
  })

  test('is not reported by onId, because no block named it', () => {
    expect(record(['data: a\n\n'], { lastEventId: '41' })).toEqual([['event', event('a', '41')]])
  })
})

describe('end', () => {
  test('drops the unfinished event, as the standard says', () => {
    const { events, parser } = collector()
    parser.push('data: a\n\nid: 2\ndata: b\n')
    parser.end()
    expect(events).toEqual([event('a')])
  })

  test('drops a sequence that the body broke off', () => {
    const { events, parser } = collector()
    parser.push(Uint8Array.of(0x64, 0x61, 0x74, 0x61, 0x3a, 0xe2, 0x82))
    parser.end()
    expect(events).toEqual([])
  })

  test('with flush, writes a sequence that the body broke off as U+FFFD', () => {
    const { events, parser } = collector({ flush: true })
    parser.push(encoder.encode('data: a😀').subarray(0, -1))
    parser.end()
    expect(events).toEqual([event('a\uFFFD')])
  })

  test('with flush, dispatches what lacks its blank line, and only at the end', () => {
    const { calls, parser } = recorder({ flush: true })
    parser.push('data: a\n\nid: 2\ndata: b')
    expect(calls).toEqual([['event', event('a')]])
    parser.end()
    expect(calls.slice(1)).toEqual([
      ['id', '2'],
      ['event', event('b', '2')],
    ])
  })

  test('a second end does nothing', () => {
    const { calls, parser } = recorder({ flush: true })
    parser.push('id: 1\ndata: a')
    parser.end()
    const once = [...calls]
    parser.end()
    expect(calls).toEqual(once)
    expect(once).toHaveLength(2)
  })

  test('a push after it is refused, because a parser lives as long as one body', () => {
    for (const flush of [false, true]) {
      const { events, parser } = collector({ flush })
      parser.push('data: a\n')
      parser.end()
      const before = events.length
      for (const chunk of [
        'data: b\n\n',
        encoder.encode('data: b\n\n'),
        encoder.encode('data: a longer chunk than that\n\n'),
      ]) {
        const error = thrown(() => parser.push(chunk))
        expect(error).toBeInstanceOf(UnmissedError)
        expect(error).toMatchObject({ code: 'parser-ended' })
      }
      expect(events).toHaveLength(before)
    }
  })

  test('of an untouched parser does nothing', () => {
    for (const flush of [false, true]) expect(record([], { flush })).toEqual([])
  })
})
