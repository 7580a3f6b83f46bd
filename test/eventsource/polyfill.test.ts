import { afterEach, expect, test, vi } from 'vitest'
import { EventSource } from '../../src/eventsource/index.ts'

afterEach(() => {
  vi.resetModules()
  Reflect.deleteProperty(globalThis, 'EventSource')
})

test('sets the global where it is absent, as an interface of the platform: writable, configurable, not enumerable', async () => {
  await import('../../src/eventsource/polyfill.ts')
  const { value, ...rest } = Object.getOwnPropertyDescriptor(globalThis, 'EventSource') ?? {}
  expect([value.name, rest]).toEqual(['EventSource', { writable: true, configurable: true, enumerable: false }])
})

test('leaves a native one alone', async () => {
  class Native {}
  vi.stubGlobal('EventSource', Native)
  await import('../../src/eventsource/polyfill.ts')
  expect(globalThis.EventSource).toBe(Native)
})

test('may be extended, as any interface', () => {
  class Mine extends EventSource {
    more = true
  }
  const mine = new Mine('http://127.0.0.1:9/')
  mine.close()
  expect([mine instanceof EventSource, mine.more, mine.readyState]).toEqual([true, true, Mine.CLOSED])
})
