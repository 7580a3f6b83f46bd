import { QueryClient, QueryObserver, experimental_streamedQuery as streamedQuery } from '@tanstack/query-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { createMockServer, type MockServer } from '../../src/testing/index.ts'

// A connection is an AsyncIterable that takes a signal, which is all that TanStack Query asks of a stream.

const URL = 'https://example.test/chat'

let server: MockServer
let client: QueryClient
beforeEach(() => {
  server = createMockServer()
  client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
})
afterEach(async () => {
  client.clear()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(server.live).toBe(0)
})

function observe(refetchMode: 'reset' | 'append' | 'replace' = 'reset') {
  const observer = new QueryObserver<string>(client, {
    queryKey: ['chat', 'hello'],
    queryFn: streamedQuery({
      refetchMode,
      streamFn: ({ signal }) =>
        connect(URL, { method: 'POST', body: '{"prompt":"hello"}', until: '[DONE]', signal, fetch: server.fetch }),
      reducer: (text: string, { data }) => text + data,
      initialValue: '',
    }),
  })
  const leave = observer.subscribe(() => {})
  async function until(so: (result: ReturnType<typeof observer.getCurrentResult>) => boolean) {
    while (!so(observer.getCurrentResult())) await new Promise((resolve) => setTimeout(resolve, 1))
    return observer.getCurrentResult()
  }
  return { observer, leave, until }
}

it('fills the cache event by event, and is done with the stream', async () => {
  const { leave, until } = observe()
  const request = await server.next()
  expect([request.method, request.body]).toEqual(['POST', '{"prompt":"hello"}'])
  request.send({ data: 'Hel' })
  expect(await until(({ data }) => data === 'Hel')).toMatchObject({ status: 'success', fetchStatus: 'fetching' })
  request.send({ data: 'lo' })
  request.send({ data: '[DONE]' })
  expect(await until(({ fetchStatus }) => fetchStatus === 'idle')).toMatchObject({ data: 'Hello', error: null })
  leave()
})

it('closes the connection when the last observer leaves', async () => {
  const { leave, until } = observe()
  const request = await server.next()
  request.send({ data: 'Hel' })
  await until(({ data }) => data === 'Hel')
  leave()
  expect(await request.closed).toBe('aborted')
})

it('closes the connection when the query is cancelled', async () => {
  const { leave, until } = observe()
  const request = await server.next()
  request.send({ data: 'Hel' })
  await until(({ data }) => data === 'Hel')
  await client.cancelQueries({ queryKey: ['chat'] })
  expect(await request.closed).toBe('aborted')
  leave()
})

it('hands an error of the connection to the query', async () => {
  const { leave, until } = observe()
  ;(await server.next()).status(402)
  const { error } = await until(({ status }) => status === 'error')
  expect(error).toMatchObject({ code: 'status', status: 402 })
  leave()
})

it.each([
  ['reset', 'there'],
  ['append', 'Hithere'],
  ['replace', 'there'],
] as const)('refetches as it is told: %s', async (mode, text) => {
  const { observer, leave, until } = observe(mode)
  const first = await server.next()
  for (const data of ['Hi', '[DONE]']) first.send({ data })
  await until(({ fetchStatus }) => fetchStatus === 'idle')
  const refetched = observer.refetch()
  const second = await server.next()
  for (const data of ['there', '[DONE]']) second.send({ data })
  await refetched
  expect((await until(({ fetchStatus }) => fetchStatus === 'idle')).data).toBe(text)
  leave()
})
