import { expect, test } from 'vitest'
import { createParser, type ServerSentEvent } from '../../src/index.ts'

test('an event is dispatched at its blank line', () => {
  const events: ServerSentEvent[] = []
  createParser({ onEvent: (event) => events.push(event) }).push('data: a\n\n')
  expect(events).toEqual([{ type: 'message', data: 'a', id: '' }])
})
