import { expect, test } from 'vitest'
import { isEventStream } from '../../src/protocol/content-type.ts'

test.each([
  ['text/event-stream', true],
  ['Text/Event-Stream', true],
  [' text/event-stream\t;charset=utf-8', true],
  ['text/event-stream;', true],
  ['text/event-stream;bogus', true],
  ['text/event-streamx', false],
  ['text/event-stream x', false],
  ['application/x;a=text/event-stream', false],
  ['text/html', false],
  ['', false],
  [null, false],
])('by its essence, %j is an event stream: %s', (type, expected) => {
  expect(isEventStream(type)).toBe(expected)
})

test.each([
  ['text/html, text/event-stream', true],
  ['text/event-stream, text/html', false],
  ['text/event-stream, text/event-stream;a=b', true],
  ['text/event-stream, bogus, ', true],
  ['text/event-stream, */*', true],
  ['text/event-stream;a=b , */*;q=1,, bogus;x', true],
  ['*/*, text/event-stream', true],
  ['text/event-stream;a="b,text/html"', true],
  ['text/event-stream;a="b\\",text/html', true],
  ['text/html;a=",text/event-stream', false],
  ['text/html;a="b",text/event-stream', true],
  ['*/*', false],
])('of several, the last that is a type counts: %j is an event stream: %s', (types, expected) => {
  expect(isEventStream(types)).toBe(expected)
})

test('a hostile value costs no more than its length', () => {
  const began = performance.now()
  for (const piece of [',', 'text/event-stream,', ';,', '*/*,', '"\\"', ' ', ',\t'])
    isEventStream(`text/event-stream${piece.repeat(100_000)}/x`)
  expect(performance.now() - began).toBeLessThan(1000)
})
