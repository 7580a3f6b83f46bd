import { describe, expect, test } from 'vitest'
import {
  acceptsEventStream,
  isCarriable,
  joined,
  LONGEST_ID,
  latin1,
  mayWantStream,
  merged,
  streamHead,
  utf8,
} from '../../../src/server/http/headers.ts'

describe('Accept (RFC 9110 §12.5.1)', () => {
  test.each<[string | undefined, boolean, string]>([
    [undefined, true, 'no header accepts everything'],
    ['', true, 'an empty one names nothing'],
    [' , ,', true, 'nor do empty elements'],
    ['*/*', true, 'everything'],
    ['text/html, image/gif, *; q=.2', true, 'everything, as Java says it'],
    ['*;q=0', false, 'nothing, as it would say that'],
    ['text/*', true, 'every text'],
    ['text/event-stream', true, 'exactly it'],
    ['TEXT/Event-Stream', true, 'types have no case'],
    ['text/event-stream;charset=utf-8', true, 'with a parameter'],
    ['application/json, text/event-stream', true, 'among others'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true, 'what browsers send for pages'],
    ['application/json', false, 'another type'],
    ['text/html, application/*', false, 'other types'],
    ['text/event-streams', false, 'a longer name'],
    ['text/event-stream;q=0', false, 'a weight of zero'],
    ['text/event-stream; Q=0.000', false, 'a weight of zero, written differently'],
    ['text/event-stream;q=0.001', true, 'the smallest weight'],
    ['*/*, text/event-stream;q=0', false, 'the most specific range decides, against'],
    ['text/event-stream, */*;q=0', true, 'the most specific range decides, for'],
    ['text/*;q=0, */*', false, 'text/* is more specific than */*'],
    ['*/*, text/*;q=0', false, 'in any order'],
    ['text/*, */*;q=0', true, 'for'],
    ['*/*;q=0', false, 'nothing at all'],
    ['text/html;a="x, text/event-stream;q=0", */*', true, 'a quoted comma is none'],
    ['text/html;a="\\", text/event-stream;q=0"', false, 'nor does an escaped quote end it'],
    ['text/html;a="*/*', false, 'a quote that never ends'],
  ])('%s: %s, %s', (accept, accepted, _reason) => {
    expect(acceptsEventStream(accept)).toBe(accepted)
  })

  test.each<[string | undefined, string, boolean, string]>([
    [undefined, 'GET', true, 'no header'],
    ['*/*', 'GET', true, 'curl, fetch'],
    ['text/event-stream', 'GET', true, 'EventSource'],
    ['application/json', 'POST', true, 'the SDKs of OpenAI and Anthropic'],
    ['application/json, text/event-stream', 'POST', true, 'MCP'],
    ['application/json, text/plain, */*', 'GET', true, 'axios'],
    ['application/json', 'GET', true, 'JSON alone'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'GET', false, 'a page, as browsers ask for it'],
    ['text/html', 'POST', false, 'a form'],
    ['text/html, text/event-stream', 'GET', true, 'a page or a stream'],
    ['text/html;q=0, */*', 'GET', true, 'all but a page'],
    ['text/event-stream;q=0, application/json', 'POST', false, 'all but a stream'],
    ['application/json;q=0', 'GET', false, 'no JSON, and nothing else'],
    ['image/png, image/*', 'GET', false, 'a picture'],
    ['image/png', 'POST', true, 'a POST says more than what it accepts'],
  ])('leniently, %s %s: %s, %s', (accept, method, may, _reason) => {
    expect(mayWantStream(accept, method)).toBe(may)
  })

  test('is read in time linear in its length', () => {
    const start = performance.now()
    for (const piece of ['"', '"\\"', ',', ';', ' ', 'text/*;', 'a="\\'])
      acceptsEventStream(piece.repeat(200_000 / piece.length))
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('ids in headers', () => {
  test.each(['1', 'é', '日本', '😀', '\uFEFFa', 'a b', 'a\tb'])('%j comes back as it went', (id) => {
    expect(utf8(latin1(id))).toBe(id)
    expect(latin1(id)).toMatch(/^[\0-\xff]*$/)
    expect(isCarriable(id)).toBe(true)
  })

  test.each(['a\nb', 'a\rb', 'a\0b', '\x01', '\x7f', 'a'.repeat(LONGEST_ID + 1)])('%.10j is none', (id) => {
    expect(isCarriable(id)).toBe(false)
  })

  test('the longest id is one', () => {
    expect(isCarriable('a'.repeat(LONGEST_ID))).toBe(true)
  })
})

describe('the head', () => {
  test('announces nothing where there is nothing to announce', () => {
    expect(streamHead(0)).not.toHaveProperty('Unmissed')
  })

  test.each([
    [15_000, 'ids=unique', 'heartbeat=15000, ids=unique'],
    [0, 'ids=unique', 'ids=unique'],
    [1000, '', 'heartbeat=1000'],
    // RFC 9651 §3.3.1: a whole number of at most 15 digits.
    [0.5, '', 'heartbeat=1'],
    [1e21, '', 'heartbeat=999999999999999'],
  ])('announces a heartbeat of %s and %s', (heartbeat, ids, announced) => {
    expect(streamHead(heartbeat, ids)).toHaveProperty('Unmissed', announced)
  })
})

describe('headers of several hands', () => {
  test('are one of each name, whatever its case: the last one counts', () => {
    expect(merged({ 'Cache-Control': 'no-cache', 'X-A': '1' }, undefined, { 'cache-control': 'no-store' })).toEqual({
      'Cache-Control': 'no-store',
      'X-A': '1',
    })
  })

  test('are joined where they are lists, each name once', () => {
    expect(merged({ Vary: 'Origin' }, { vary: 'Accept, origin' }, { VARY: 'Cookie' })).toEqual({
      Vary: 'Origin, Accept, Cookie',
    })
    expect(joined({ Vary: 'Origin', 'X-A': '1' }, (name) => (name === 'Vary' ? ['Accept', 'Origin'] : '0'))).toEqual({
      Vary: 'Accept, Origin',
      'X-A': '1',
    })
  })
})
