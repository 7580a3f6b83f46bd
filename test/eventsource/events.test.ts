import { afterEach, expect, test, vi } from 'vitest'
import { messageEvent } from '../../src/eventsource/events.ts'
import { task } from '../../src/eventsource/task.ts'

const init = { data: 'a', origin: 'http://a.example', lastEventId: '1' }

test('a message is a MessageEvent where the runtime has one', () => {
  const event = messageEvent('tick', init)
  expect(event).toBeInstanceOf(MessageEvent)
  expect(event).toMatchObject({ type: 'tick', ...init })
})

test('and an event with the same fields where it has none', () => {
  vi.stubGlobal('MessageEvent', undefined)
  const event = messageEvent('tick', init)
  expect(event).toBeInstanceOf(Event)
  expect(event).toMatchObject({ type: 'tick', ...init, source: null, ports: [], bubbles: false, cancelable: false })
})

afterEach(() => vi.useRealTimers())

test.each([
  ['setImmediate', {}],
  ['a message channel', { setImmediate: undefined }],
  ['setTimeout', { setImmediate: undefined, MessageChannel: undefined }],
])('a task by %s comes after every promise that is already under way, in order', async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
  const order: string[] = []
  const chain = (async () => {
    for (let turn = 0; turn < 50; turn++) await null
    order.push('promises')
  })()
  await Promise.all([task().then(() => order.push('first')), task().then(() => order.push('second')), chain])
  expect(order).toEqual(['promises', 'first', 'second'])
})
