import { describe, expect, test, vi } from 'vitest'
import { accept, createHub } from '../../../src/server/index.ts'
import { after, until } from '../serve.ts'

const decoder = new TextDecoder()

/** Reads a response piece by piece. */
function take(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  return {
    reader,
    get text() {
      return text
    },
    async until(part: string) {
      while (!text.includes(part)) {
        const { done, value } = await reader.read()
        if (done) throw new Error(`ended: ${text}`)
        text += decoder.decode(value, { stream: true })
      }
      return text
    },
    async end() {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += decoder.decode(value, { stream: true })
      }
    },
  }
}

const ask = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
  new Request('http://a/', { ...init, headers })

describe('accept', () => {
  test('answers with a stream that begins with a comment', async () => {
    const connection = accept(ask(), { heartbeat: 0 })
    const { response } = connection
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    await connection.send({ type: 'a', data: '1' })
    connection.close()
    expect(await response.text()).toBe(':\n\nevent: a\ndata: 1\n\n')
    await expect(connection.closed).resolves.toBe('closed')
  })

  test('takes the last event id from the header or the query', () => {
    expect(accept(ask({ 'last-event-id': '1.2' }), { heartbeat: 0 }).lastEventId).toBe('1.2')
    expect(accept(new Request('http://a/?lastEventId=%E6%97%A5'), { heartbeat: 0 }).lastEventId).toBe('日')
  })

  test.each([
    [{ accept: 'text/html' }, 'GET', 406],
    [{}, 'DELETE', 405],
    [{ 'last-event-id': '\x01' }, 'GET', 400],
    [{}, 'HEAD', 200],
  ])('answers %j %s with %s and no stream', async (headers, method, status) => {
    const connection = accept(ask(headers as Record<string, string>, { method }))
    expect(connection.response.status).toBe(status)
    expect(connection.open).toBe(false)
    await expect(connection.closed).resolves.toBe('refused')
  })

  test('send follows the reader: it waits while 16 KiB are not taken', async () => {
    const connection = accept(ask(), { heartbeat: 0 })
    const reader = take(connection.response)
    let sent = 0
    const all = (async () => {
      for (let n = 0; n < 20; n++) {
        await connection.send('x'.repeat(10_000))
        sent++
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sent).toBeLessThan(3)
    expect(connection.queued).toBeGreaterThan(10_000)
    const taken = (async () => {
      for (let chunks = 0; chunks < 21; chunks++) await reader.reader.read()
    })()
    await all
    await taken
    expect([sent, connection.queued]).toEqual([20, 0])
  })

  test('counts bytes, not chunks, and gives up a reader that takes nothing', async () => {
    const connection = accept(ask(), { heartbeat: 0, maxQueued: 100_000 })
    const sent: Array<Promise<void>> = []
    for (let n = 0; n < 20; n++) sent.push(connection.send('x'.repeat(10_000)))
    await expect(connection.closed).resolves.toBe('slow')
    expect(connection.queued).toBe(0)
    await expect(connection.response.text()).rejects.toThrow('too slow')
    expect((await Promise.allSettled(sent)).at(-1)).toMatchObject({
      reason: { code: 'connection-closed', reason: 'slow' },
    })
  })

  test('gives up a reader that takes nothing for stallTimeout', async () => {
    const connection = accept(ask(), { heartbeat: 0, stallTimeout: 40 })
    void connection.send('x'.repeat(50_000))
    await expect(connection.closed).resolves.toBe('slow')
  })

  test('is over when the body is cancelled', async () => {
    const connection = accept(ask(), { heartbeat: 0 })
    await connection.response.body?.cancel()
    await expect(connection.closed).resolves.toBe('left')
    await expect(connection.send('x')).rejects.toMatchObject({ reason: 'left' })
  })

  test('is over when the request is aborted, and before it began', async () => {
    const controller = new AbortController()
    const connection = accept(ask({}, { signal: controller.signal }), { heartbeat: 0 })
    controller.abort()
    await expect(connection.closed).resolves.toBe('left')
    expect(await connection.response.text()).toBe(':\n\n')
    await expect(accept(ask({}, { signal: controller.signal })).closed).resolves.toBe('left')
  })

  test('leaves no listener on a signal that outlives it', async () => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    const request = Object.defineProperty(ask(), 'signal', { value: signal })
    const connection = accept(request, { heartbeat: 0 })
    connection.close()
    await connection.closed
    expect(removed.mock.calls.length).toBeGreaterThanOrEqual(added.mock.calls.length)
  })
})

describe('hub.fetch', () => {
  test('streams, replays and goes on', async () => {
    const hub = createHub<{ tick: number }>()
    after(() => hub.close())
    const first = await hub.publish({ type: 'tick', data: 1 })
    await hub.publish({ type: 'tick', data: 2 })
    const response = await hub.fetch(ask({ 'last-event-id': first.id }))
    // There was no reader when they were published, and yet the first one is known.
    expect(response.headers.get('last-event-id')).toBe(first.id)
    expect(response.headers.get('unmissed')).toBe('heartbeat=15000, ids=unique')
    const reader = take(response)
    await reader.until('data: 2')
    await hub.publish({ type: 'tick', data: 3 })
    expect(await reader.until('data: 3\n\n')).toMatch(
      /^:\n\nid: \S+\.2\nevent: tick\ndata: 2\n\nid: \S+\.3\nevent: tick\ndata: 3\n\n$/,
    )
  })

  test('a hundred readers that come and go leave nothing behind', async () => {
    const hub = createHub()
    after(() => hub.close())
    for (let n = 0; n < 100; n++) {
      const response = await hub.fetch(ask(), { user: `u${n}`, topics: ['t', `t${n}`] })
      void hub.publish({ data: 'x' })
      await response.body?.cancel()
    }
    await until(() => hub.size === 0)
    expect(hub.stats()).toMatchObject({ connections: 0, users: {}, topics: {} })
  })

  test('a reader that takes nothing is given up at maxQueued, the others get everything', async () => {
    const reasons: string[] = []
    const hub = createHub({ maxQueued: 50_000, onDisconnect: (_, reason) => reasons.push(reason) })
    after(() => hub.close())
    const stalled = await hub.fetch(ask())
    const reader = take(await hub.fetch(ask()))
    for (let n = 0; n < 30; n++) {
      await hub.publish({ data: `${n} ${'x'.repeat(5000)}` })
      await reader.until(`data: ${n} `)
    }
    expect(reasons).toEqual(['slow'])
    expect(hub.size).toBe(1)
    await expect(stalled.text()).rejects.toThrow()
  })

  test('close tells when to return, and ends the stream', async () => {
    const hub = createHub()
    const response = await hub.fetch(ask())
    const ended = take(response).end()
    await hub.close({ retry: 1000 })
    const text = await ended
    const retry = Number(/retry: (\d+)\n\n$/.exec(text)?.[1])
    expect(retry).toBeGreaterThanOrEqual(1000)
    expect(retry).toBeLessThanOrEqual(2000)
    const late = await hub.fetch(ask())
    expect([late.status, Number(late.headers.get('retry-after')) > 0]).toEqual([503, true])
  })

  test('can be handed on as it is', async () => {
    const hub = createHub()
    after(() => hub.close())
    const { fetch } = hub
    const response = await fetch(ask())
    expect(response.status).toBe(200)
    await response.body?.cancel()
  })
})

describe('a chunk', () => {
  test('belongs to whoever reads it: filling it changes neither other readers nor the history', async () => {
    const hub = createHub({ heartbeat: 0 })
    after(() => hub.close({ within: 0 }))
    const [first, second] = [await hub.fetch(ask()), await hub.fetch(ask())]
    const { id } = await hub.publish({ data: 'start' })
    const spoiled = (first.body as ReadableStream<Uint8Array>).getReader()
    const honest = take(second)
    for (let n = 0; n < 5; n++) {
      await hub.publish({ data: `event ${n}` })
      const { value } = await spoiled.read()
      value?.fill(0)
    }
    expect((await honest.until('event 4\n\n')).match(/event \d/g)).toEqual([0, 1, 2, 3, 4].map((n) => `event ${n}`))
    const again = take(await hub.fetch(ask({ 'last-event-id': id })))
    expect((await again.until('event 4\n\n')).match(/event \d/g)).toEqual([0, 1, 2, 3, 4].map((n) => `event ${n}`))
  })

  test('may be handed to another thread, which detaches it', async () => {
    const hub = createHub({ heartbeat: 0 })
    after(() => hub.close({ within: 0 }))
    const [first, second] = [await hub.fetch(ask()), await hub.fetch(ask())]
    await hub.publish({ data: 'x'.repeat(200_000) })
    const reader = (first.body as ReadableStream<Uint8Array>).getReader()
    for (let taken = 0; taken < 200_000; ) {
      const { value } = await reader.read()
      taken += value?.length ?? 0
      structuredClone(value, { transfer: [value?.buffer as ArrayBuffer] })
    }
    await take(second).until('x\n\n')
  })
})

describe('what is sent and then closed', () => {
  test('has been sent: its promise resolves, and the bytes arrive', async () => {
    const connection = accept(ask(), { heartbeat: 0 })
    const sent = [connection.send('1'), connection.send('x'.repeat(100_000)), connection.comment('2')]
    connection.close()
    const text = await connection.response.text()
    expect(await Promise.all(sent)).toEqual([undefined, undefined, undefined])
    expect([
      text.includes('data: 1\n\n'),
      text.length > 100_000,
      text.endsWith(':2\n\n') || text.endsWith(': 2\n\n'),
    ]).toEqual([true, true, true])
    expect(await connection.closed).toBe('closed')
  })

  test('through a hub, too', async () => {
    const hub = createHub({ heartbeat: 0 })
    const response = await hub.fetch(ask())
    const [subscriber] = hub.subscribers()
    const sent = subscriber?.send('1')
    subscriber?.close()
    const text = await response.text()
    await sent
    expect(text).toContain('data: 1\n\n')
    await hub.close()
  })

  test('by a reader that leaves instead rejects', async () => {
    const connection = accept(ask(), { heartbeat: 0 })
    const sent = connection.send('x'.repeat(100_000))
    await connection.response.body?.cancel()
    await expect(sent).rejects.toMatchObject({ code: 'connection-closed', reason: 'left' })
  })
})

describe('a request that was aborted', () => {
  test('is answered 499, not 500, is no error, and nobody is asked about it', async () => {
    const onError = vi.fn()
    const authorize = vi.fn(() => true)
    const hub = createHub({ onError, authorize })
    const response = await hub.fetch(ask({}, { signal: AbortSignal.abort() }))
    expect([response.status, hub.size, onError.mock.calls, authorize.mock.calls]).toEqual([499, 0, [], []])
    expect(accept(ask({}, { signal: AbortSignal.abort() })).response.status).toBe(499)
    await hub.close()
  })

  test.each(['authorize', 'onConnect'] as const)('during %s leaves nobody behind', async (when) => {
    const controller = new AbortController()
    const leave = async (): Promise<true> => {
      controller.abort()
      await new Promise((resolve) => setTimeout(resolve, 5))
      return true
    }
    const onError = vi.fn()
    const hub = createHub({ onError, limits: { connections: 1 }, [when]: leave })
    const response = await hub.fetch(ask({}, { signal: controller.signal }))
    await until(() => hub.size === 0)
    expect([response.status, onError.mock.calls]).toEqual([when === 'authorize' ? 499 : 200, []])
    const next = await createHub({ limits: { connections: 1 } }).fetch(ask())
    expect(next.status).toBe(200)
    await next.body?.cancel()
    await hub.close()
  })
})
