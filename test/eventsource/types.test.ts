import { expectTypeOf, test } from 'vitest'
import type { ConnectError } from '../../src/client/errors.ts'
import { type ConnectionErrorEvent, EventSource, type EventSourceInit } from '../../src/eventsource/index.ts'

/** Compiled, not run. */
const never = (_: () => void) => {}

test('code that was written for the native class compiles', () => {
  never(() => {
    const source: globalThis.EventSource = new EventSource('/events', { withCredentials: true })
    source.onmessage = (event: MessageEvent) => event.data
    source.addEventListener('tick', (event) => expectTypeOf(event).toEqualTypeOf<MessageEvent>())
    source.addEventListener('open', { handleEvent: () => {} })
    const Native: typeof globalThis.EventSource = EventSource
    return new Native('/events')
  })
})

test('listeners hear what their event is', () => {
  never(() => {
    const source = new EventSource(new URL('https://example.com'))
    for (const type of ['message', 'tick'] as const) {
      source.addEventListener(type, (event) => expectTypeOf(event).toExtend<MessageEvent<string>>())
      source.addEventListener(type, (event) => expectTypeOf(event.data).toEqualTypeOf<string>())
      source.addEventListener(type, (event: MessageEvent<string>) => event.data)
    }
    source.addEventListener('error', (event) => expectTypeOf(event).toEqualTypeOf<ConnectionErrorEvent>())
    source.onerror = (event) => {
      expectTypeOf(event.status).toEqualTypeOf<number | undefined>()
      expectTypeOf(event.error).toEqualTypeOf<ConnectError>()
    }
    source.onopen = function (event) {
      expectTypeOf(this).toEqualTypeOf<EventSource>()
      expectTypeOf(event).toEqualTypeOf<Event>()
    }
    // @ts-expect-error it cannot be written
    source.url = 'x'
    // @ts-expect-error a constant is one value
    source.CLOSED satisfies 1
  })
})

test('options may be undefined, and misspelt ones are refused', () => {
  never(() => {
    const init: EventSourceInit = { headers: undefined, fetch: undefined, retry: undefined }
    new EventSource('/events', init)
    new EventSource('/events', { headers: async ({ lastEventId }) => ({ 'x-after': lastEventId }) })
    // @ts-expect-error it is withCredentials
    new EventSource('/events', { credentials: 'include' })
  })
})
