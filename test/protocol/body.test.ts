import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { events, type ServerSentEvent, UnmissedError } from '../../src/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { all, bytesOf, streamOf } from '../helpers/stream.ts'

const body = (text: string, type: string | null = 'text/event-stream') =>
  new Response(text, { headers: type === null ? {} : { 'content-type': type } })

test('gives the events of a response, and then ends', async () => {
  expect(await all(events(body('data: a\n\nevent: x\nid: 1\ndata: b\n\n')))).toEqual([
    { type: 'message', data: 'a', id: '' },
    { type: 'x', data: 'b', id: '1' },
  ])
})

test('reads a stream of bytes or of text as well', async () => {
  expect(await all(events(bytesOf('data: a\n', '\n')))).toHaveLength(1)
  expect(await all(events(streamOf('data: a\n', '\n')))).toHaveLength(1)
})

test('drops an unfinished last event, unless flush is set', async () => {
  expect(await all(events(body('data: a')))).toEqual([])
  expect(await all(events(body('data: a'), { flush: true }))).toHaveLength(1)
})

test('begins with the last event id it was given', async () => {
  expect(await all(events(body('data: a\n\n'), { lastEventId: '41' }))).toEqual([
    { type: 'message', data: 'a', id: '41' },
  ])
})

test.each(['text/event-stream;charset=utf-8', 'Text/Event-Stream ; x=y', 'text/event-stream;'])(
  'takes %s for an event stream',
  async (type) => {
    expect(await all(events(body('data: a\n\n', type)))).toHaveLength(1)
  },
)

test.each([
  ['text/html', 'text/html'],
  ['text/event-streamx', 'text/event-streamx'],
  ['application/x; a=text/event-stream', 'application/x'],
])('refuses %s, names it and cancels the body', (type, named) => {
  let cancelled = false
  const response = new Response(
    new ReadableStream({
      cancel: () => {
        cancelled = true
      },
    }),
    {
      headers: { 'content-type': type },
      status: 502,
    },
  )
  expect(() => events(response)).toThrow(
    expect.objectContaining({ code: 'content-type', message: expect.stringContaining(named) }),
  )
  expect(() => events(response)).toThrow(/502/)
  expect(cancelled).toBe(true)
})

test('refuses a response without a content type', () => {
  const response = new Response(bytesOf('data: a\n\n'))
  expect(() => events(response)).toThrow(
    expect.objectContaining({ code: 'content-type', message: expect.stringContaining('no content type') }),
  )
})

test('refuses a response without a body, as React Native gives it, and names the fetch to take', () => {
  const response = { headers: new Headers({ 'content-type': 'text/event-stream' }), status: 200 } as Response
  expect(() => events(response)).toThrow(UnmissedError)
  expect(() => events(response)).toThrow(
    expect.objectContaining({ code: 'no-body', message: expect.stringContaining('expo/fetch') }),
  )
})

test('until a string ends before the event with that data, and gives nothing after it', async () => {
  expect(
    (await all(events(body('data: a\n\ndata: [DONE]\n\ndata: b\n\n'), { until: '[DONE]' }))).map(({ data }) => data),
  ).toEqual(['a'])
})

test('until a function ends after the event for which it returns true', async () => {
  const until = ({ type }: ServerSentEvent) => type === 'complete'
  const text = 'data: a\n\nevent: complete\ndata\n\ndata: b\n\n'
  expect((await all(events(body(text), { until }))).map(({ type }) => type)).toEqual(['message', 'complete'])
})

test('an until that throws breaks the iteration with its error', async () => {
  const until = () => {
    throw new RangeError('mine')
  }
  await expect(all(events(body('data: a\n\n'), { until }))).rejects.toThrow('mine')
})

test('an event beyond maxEventSize breaks the iteration after the events before it', async () => {
  const seen: string[] = []
  await expect(async () => {
    for await (const { data } of events(body(`data: a\n\ndata: ${'x'.repeat(99)}`), { maxEventSize: 50 }))
      seen.push(data)
  }).rejects.toMatchObject({ code: 'event-too-large' })
  expect(seen).toEqual(['a'])
})

test('a body that breaks gives the events before, and then its error, once', async () => {
  let sent = false
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(new TypeError('terminated'))
      sent = true
      controller.enqueue(new TextEncoder().encode('data: a\n\ndata: b\n\n'))
    },
  })
  const iterator = events(source)
  expect(await iterator.next()).toMatchObject({ value: { data: 'a' } })
  expect(await iterator.next()).toMatchObject({ value: { data: 'b' } })
  await expect(iterator.next()).rejects.toThrow('terminated')
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
})

test('calls of next that overlap are served in their order, and all of them settle at the end', async () => {
  const iterator = events(bytesOf('data: a\n\n', 'data: b\n\n'))
  const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()])
  expect(results.map(({ value, done }) => value?.data ?? done)).toEqual(['a', 'b', true, true])
})

test('next settles again and again after the end', async () => {
  const iterator = events(body(''))
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
})

test('nothing is read ahead of what is asked for', async () => {
  let pulled = 0
  const source = new ReadableStream<Uint8Array>(
    { pull: (controller) => controller.enqueue(new TextEncoder().encode(`data: ${++pulled}\n\n`)) },
    { highWaterMark: 0 },
  )
  const iterator = events(source)
  await iterator.next()
  await iterator.next()
  await new Promise(setImmediate)
  expect(pulled).toBe(2)
  await iterator.return?.()
})

test('a signal that is aborted already rejects the first next with its reason and cancels the body', async () => {
  let reason: unknown
  const source = new ReadableStream<Uint8Array>({
    cancel: (why) => {
      reason = why
    },
  })
  const iterator = events(source, { signal: AbortSignal.abort('enough') })
  await expect(iterator.next()).rejects.toBe('enough')
  expect(reason).toBe('enough')
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
})

test('no listener stays on the signal after the end', async () => {
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--
    removeEventListener.apply(signal, args)
  }
  await all(events(body('data: a\n\n'), { signal }))
  expect(listeners).toBe(0)
})

/** Whoever leaves must be seen to leave by a real server, for a mock may say anything. */
function over(name: string, leave: (url: string) => Promise<void>) {
  test(`over real HTTP, ${name} closes the connection`, { timeout: 5_000 }, async () => {
    await leave(url)
    await gone
  })
}

let url: string
let gone: Promise<unknown>
const server = createServer((_request, response: ServerResponse) => {
  gone = once(response, 'close')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: a\n\ndata: b\n\n')
})
beforeEach(async () => {
  url = `http://127.0.0.1:${await listen(server)}`
})
afterEach(() => shut(server))

over('break', async (url) => {
  for await (const { data } of events(await fetch(url))) {
    expect(data).toBe('a')
    break
  }
})

over('return', async (url) => {
  const first = async () => {
    for await (const { data } of events(await fetch(url))) return data
    return undefined
  }
  expect(await first()).toBe('a')
})

over('throw', async (url) => {
  await expect(async () => {
    for await (const _ of events(await fetch(url))) throw new Error('mine')
  }).rejects.toThrow('mine')
})

over('until', async (url) => {
  expect(await all(events(await fetch(url), { until: 'b' }))).toHaveLength(1)
})

over('an abort while next is pending', async (url) => {
  const controller = new AbortController()
  const iterator = events(await fetch(url), { signal: controller.signal })
  await iterator.next()
  await iterator.next()
  const pending = iterator.next()
  controller.abort(new Error('enough'))
  await expect(pending).rejects.toThrow('enough')
})

over('an abort of the signal that fetch was given too', async (url) => {
  const { signal, abort } = ((controller) => ({ signal: controller.signal, abort: () => controller.abort() }))(
    new AbortController(),
  )
  const iterator = events(await fetch(url, { signal }), { signal })
  await iterator.next()
  await iterator.next()
  const pending = iterator.next()
  abort()
  await expect(pending).rejects.toMatchObject({ name: 'AbortError' })
})

over('return while next is pending', async (url) => {
  const iterator = events(await fetch(url))
  await iterator.next()
  await iterator.next()
  const pending = iterator.next()
  expect(await iterator.return?.()).toEqual({ value: undefined, done: true })
  expect(await pending).toEqual({ value: undefined, done: true })
})

test('a question that until asks does not overtake one that waits', async () => {
  const order: string[] = []
  const ask = (name: string) => iterator.next().then(({ value }) => order.push(`${name} ${value?.data}`))
  const iterator: AsyncIterableIterator<ServerSentEvent, undefined> = events(body('data: 1\n\ndata: 2\n\n'), {
    until({ data }) {
      if (data === '1') ask('second')
      return data === '2'
    },
  })
  await ask('first')
  await ask('third')
  expect(order).toEqual(['first 1', 'second 2', 'third undefined'])
})

test.each([undefined, null, 'https://a.test', Promise.resolve(new Response('')), {}])(
  '%o is no response, and the message says so',
  (source) => {
    expect(() => events(source as never)).toThrow(
      'events needs a Response or a ReadableStream: is there an await missing?',
    )
  },
)
