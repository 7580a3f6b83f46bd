import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ConnectOptions, connect } from '../../src/index.ts'
import { createMockServer, type MockRequest } from '../../src/testing/index.ts'

// What a server answers, one attempt after the other, and what a client has to make of it: language-neutral data.

interface Scenario {
  name: string
  clause: string
  options?: Record<string, unknown>
  /** How long to look on, in milliseconds. */
  for?: number
  answers: {
    status?: number
    headers?: Record<string, string>
    /** Text is sent, a number is a silence in milliseconds. */
    chunks?: (string | number)[]
    then?: 'end' | 'drop' | 'hang' | 'refuse' | 'stall'
  }[]
  expect: {
    states: string[]
    requests: Record<string, string>[]
    events: [type: string, data: string, id: string][]
    closed?: string
    error?: string
  }
}

const scenarios: Scenario[] = JSON.parse(
  readFileSync(new URL('../../fixtures/scenarios.json', import.meta.url), 'utf8'),
)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function answer(request: MockRequest, { status, headers, chunks = [], then }: Scenario['answers'][number]) {
  if (status !== undefined) return request.status(status, headers)
  if (then === 'refuse') return request.drop()
  if (then === 'stall') return request.stall()
  request.open({ headers })
  for (const chunk of chunks) {
    if (typeof chunk === 'number') await sleep(chunk)
    else request.write(chunk)
  }
  if (then === 'end') request.end()
  if (then === 'drop') request.drop()
}

/** `random` and streams have no JSON form. */
function optionsOf({ retry, body, ...rest }: Record<string, unknown> = {}): ConnectOptions {
  const random = () => (retry as { random?: number } | undefined)?.random ?? 0
  const fixed = typeof retry === 'object' ? { ...retry, random } : retry
  const sent = (body as { stream?: string } | undefined)?.stream
    ? new ReadableStream({ start: (controller) => controller.close() })
    : body
  return {
    ...rest,
    ...(retry === undefined ? {} : { retry: fixed }),
    ...(body ? { body: sent } : {}),
  } as ConnectOptions
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  vi.useRealTimers()
})

test.each(scenarios)('$name ($clause)', async ({ options, answers, for: time = 20_000, expect: expected }) => {
  const left = [...answers]
  const server = createMockServer({
    onRequest(request) {
      const next = left.shift()
      if (next) void answer(request, next)
      else throw new Error('one request too many')
    },
  })
  const states: string[] = []
  const events: [string, unknown, string][] = []
  let reason: string | undefined
  let error: string | undefined
  const connection = connect('https://sse.test/events', {
    ...(optionsOf(options) as { parse?: undefined; schemas?: undefined }),
    fetch: server.fetch,
    onState: ({ state, delay }) => states.push(delay === undefined ? state : `${state} ${delay}`),
    onError(met) {
      error = met.code
    },
  })
  connection.on(({ type, data, id }) => events.push([type, data, id]))
  connection.closed.then((met) => {
    reason = met
  })
  await vi.advanceTimersByTimeAsync(time)

  expect(states).toEqual(expected.states)
  expect(events).toEqual(expected.events)
  expect(left, 'answers that nobody asked for').toEqual([])
  expect(server.requests.map(describe)).toEqual(
    expected.requests.map((request) => ({ url: '/events', method: 'GET', ...request })),
  )
  expect(reason).toBe(expected.closed)
  if (expected.error) expect(error).toBe(expected.error)
  connection.close()
  await vi.advanceTimersByTimeAsync(0)
  expect(server.live, 'exchanges that are still under way').toBe(0)
  expect(vi.getTimerCount(), 'timers that were left').toBe(0)
})

/** A request without what every one of ours has, which is checked here. */
function describe({ url, method, headers, body }: MockRequest) {
  const { accept, 'cache-control': cache, ...rest } = Object.fromEntries(headers)
  expect({ accept, cache }).toEqual({ accept: 'text/event-stream', cache: 'no-cache' })
  return {
    url: url.replace('https://sse.test', ''),
    method,
    ...rest,
    ...(typeof body === 'string' && 'content-type' in rest ? { body } : {}),
  }
}
