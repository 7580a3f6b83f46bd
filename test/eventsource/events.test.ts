import { afterEach, describe, expect, test, vi } from 'vitest'
import { ConnectError } from '../../src/client/errors.ts'
import { fire } from '../../src/eventsource/eventsource.ts'
import { ConnectionErrorEvent, EventSource } from '../../src/eventsource/index.ts'
import { task } from '../../src/eventsource/task.ts'

describe('isTrusted', () => {
  const source = new EventSource('http://127.0.0.1:9/')
  source.close()
  const seen: boolean[] = []
  source.addEventListener('message', ({ isTrusted }) => seen.push(isTrusted))
  afterEach(() => void seen.splice(0))

  test('is true of what the source fires, while it is fired and later', () => {
    const event = new MessageEvent('message')
    fire(source, event)
    expect([seen, event.isTrusted, event.constructor]).toEqual([[true], true, MessageEvent])
  })

  test('is false of what a script makes, be it our own error event', () => {
    source.dispatchEvent(new MessageEvent('message'))
    const error = new ConnectionErrorEvent(new ConnectError('network', 'none'))
    source.dispatchEvent(error)
    expect([seen, error.isTrusted]).toEqual([[false], false])
  })

  test('is false of what a script fires again, on the source or elsewhere', () => {
    const [first, second] = [new MessageEvent('message'), new MessageEvent('message')]
    for (const event of [first, second]) fire(source, event)
    source.dispatchEvent(first)
    new EventTarget().dispatchEvent(second)
    const third = new MessageEvent('message')
    fire(source, third)
    const other = new EventSource('http://127.0.0.1:9/')
    other.close()
    other.dispatchEvent(third)
    expect(seen).toEqual([true, true, false, true])
    expect([first, second, third].map(({ isTrusted }) => isTrusted)).toEqual([false, false, false])
  })

  test('an event of a runtime that keeps it to itself is fired all the same', () => {
    const event = Object.defineProperty(new MessageEvent('message'), 'isTrusted', { value: false })
    fire(source, event)
    source.dispatchEvent(event)
    expect(seen).toEqual([false, false])
  })
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
