import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { onAbort } from '../../src/client/on-abort.ts'

test('all who wait for a signal share one listener, and each is called once', () => {
  const abort = new AbortController()
  const calls: number[] = []
  for (let each = 0; each < 20; each++) onAbort(abort.signal, () => calls.push(each))
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
  abort.abort()
  expect(calls).toEqual(Array.from({ length: 20 }, (_, each) => each))
})

test('who took it back is not called, any number of times, and the last one takes the listener along', () => {
  const abort = new AbortController()
  const calls: string[] = []
  const undos = ['a', 'b'].map((name) => onAbort(abort.signal, () => calls.push(name)))
  undos[0]?.()
  undos[0]?.()
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
  undos[1]?.()
  expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  onAbort(abort.signal, () => calls.push('c'))
  undos[1]?.()
  abort.abort()
  expect(calls).toEqual(['c'])
})
