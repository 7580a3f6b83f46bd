import { describe, expect, test } from 'vitest'
import { comment, encode, type OutgoingEvent } from '../../src/index.ts'
import { plainParse } from '../helpers/plain-parser.ts'
import { encodeCases } from './fixtures.ts'

describe('fixtures/encode.json', () => {
  const cases = encodeCases()

  test('has at least 60 cases, each with a name of its own', () => {
    expect(cases.length).toBeGreaterThanOrEqual(60)
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
  })

  for (const fixture of cases) {
    const write = () => ('comment' in fixture ? comment(fixture.comment) : encode(fixture.event as OutgoingEvent))

    if ('error' in fixture) {
      test(`refuses ${fixture.name}`, () => {
        expect(write).toThrow(fixture.error.name === 'TypeError' ? TypeError : RangeError)
        expect(write).toThrow(new RegExp(`^${fixture.error.field}\\b`))
      })
      continue
    }
    test(fixture.name, () => expect(write()).toBe(fixture.frame))

    test(`${fixture.name}: readers take it for what was meant`, () => {
      const meant = 'comment' in fixture ? [['comment', fixture.comment]] : readersSee(fixture.event as OutgoingEvent)
      expect(plainParse(fixture.frame)).toEqual(meant)
      // A frame may stand anywhere between frames, and then neither changes the other.
      const around = plainParse('data: x\n\n')
      const after = plainParse('data: y\n\n', { lastEventId: String(meant.find(([kind]) => kind === 'id')?.[1] ?? '') })
      expect(plainParse(`data: x\n\n${fixture.frame}data: y\n\n`)).toEqual([...around, ...meant, ...after])
    })
  }

  /** What a frame means to a reader, told without a frame. */
  function readersSee({ type, data, id, retry }: OutgoingEvent): unknown[][] {
    const calls: unknown[][] = []
    if (retry !== undefined) calls.push(['retry', retry])
    if (id !== undefined) calls.push(['id', id])
    if (data === undefined) return calls
    const text = typeof data === 'string' ? data.replace(/\r\n?/g, '\n') : JSON.stringify(data)
    return [...calls, ['event', { type: type || 'message', data: text, id: id ?? '' }]]
  }
})

describe('what JSON cannot say', () => {
  test('undefined fields write no lines', () => {
    expect(encode({ type: undefined, data: undefined, id: undefined, retry: undefined })).toBe('\n')
  })

  test('data with a toJSON of its own is what that gives', () => {
    expect(encode({ data: new Date(0) })).toBe('data: "1970-01-01T00:00:00.000Z"\n\n')
    expect(encode({ data: { toJSON: () => 'a\nb' } })).toBe('data: "a\\nb"\n\n')
  })

  test.each([
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['an object whose toJSON gives nothing', { toJSON: () => undefined }],
  ])('data without a JSON form is refused: %s', (_, data) => {
    expect(() => encode({ data })).toThrow(TypeError)
    expect(() => encode({ data })).toThrow(/^data\b/)
  })

  test('data that JSON itself refuses is a TypeError', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    expect(() => encode({ data: circle })).toThrow(TypeError)
    expect(() => encode({ data: 1n })).toThrow(TypeError)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -0.5, -1e300])('a retry of %d is refused', (retry) => {
    expect(() => encode({ retry })).toThrow(RangeError)
    expect(() => encode({ retry })).toThrow(/^retry\b/)
  })

  test.each([
    ['a numeral in a string', '5'],
    ['null', null],
    ['a BigInt', 5n],
    ['true', true],
  ])('a retry that is %s is refused, for it would be written unchecked', (_, retry) =>
    expect(() => encode({ retry: retry as unknown as number })).toThrow(/^retry\b/),
  )

  test('a retry of minus zero is zero', () => {
    expect(encode({ retry: -0 })).toBe('retry: 0\n\n')
  })

  test.each([
    ['type', { type: { toString: () => 'a\nb' } as unknown as string }],
    ['type', { type: ['a\nb'] as unknown as string }],
    ['id', { id: Symbol('s') as unknown as string }],
    ['id', { id: 1n as unknown as string }],
    ['id', { id: { toString: () => 'a\nb' } as unknown as string }],
  ])('what only pretends to be a string is refused as %s', (field, event: OutgoingEvent) => {
    expect(() => encode(event)).toThrow(TypeError)
    expect(() => encode(event)).toThrow(new RegExp(`^${field}\\b`))
  })

  test('a comment without text is a heartbeat', () => {
    expect(comment()).toBe(':\n\n')
  })

  test('a comment that is no string is refused', () => {
    expect(() => comment(5 as unknown as string)).toThrow(/^comment\b/)
  })
})
