import { createRoot } from 'solid-js'
import { isServer } from 'solid-js/web'
import { expect, test } from 'vitest'
import { createEventStream } from '../../src/solid/index.ts'
import { createMockServer } from '../../src/testing/index.ts'

test('a server shows that it connects, and asks for nothing', async () => {
  expect(isServer).toBe(true)
  const server = createMockServer()
  const stream = createRoot(() => createEventStream('https://sse.test/', { fetch: server.fetch }))
  expect([stream.state, stream.data]).toEqual(['connecting', undefined])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(server.requests).toEqual([])
})
