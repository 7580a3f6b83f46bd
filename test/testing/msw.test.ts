import { HttpResponse, http, sse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { connect, encode, type ServerSentEvent } from '../../src/index.ts'
import { byByte, createCollector, createMockServer } from '../../src/testing/index.ts'

// What is to be known when streams are mocked with msw 2 in Node: its traps, each beside its cure.

const URL = 'https://sse.test/events'
const encoder = new TextEncoder()
const msw = setupServer()

beforeAll(() => msw.listen({ onUnhandledRequest: 'error' }))
afterEach(() => {
  msw.resetHandlers()
  msw.events.removeAllListeners()
})
afterAll(() => msw.close())

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Connects, and collects the events with the time of their coming. */
function listen(...handlers: Parameters<typeof msw.use>) {
  msw.use(...handlers)
  const seen = createCollector<ServerSentEvent>()
  const connection = connect(URL, { retry: { base: 10 } })
  const begun = performance.now()
  const times: number[] = []
  connection.on((event) => {
    times.push(performance.now() - begun)
    seen(event)
  })
  return { connection, seen, times }
}

describe('http.get with a stream', () => {
  it('delivers each chunk as it is written, and cut as it is', async () => {
    const { connection, seen, times } = listen(
      http.get(URL, () => {
        const stream = new ReadableStream({
          async start(controller) {
            for (const data of ['é', '🙂']) {
              for (const byte of byByte(encoder.encode(encode({ data })))) controller.enqueue(byte)
              await pause(50)
            }
          },
        })
        return new HttpResponse(stream, { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    expect((await seen.take(2)).map(({ data }) => data)).toEqual(['é', '🙂'])
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(30)
    connection.close()
  })

  it('hears of a closed connection by the request’s signal', async () => {
    const aborted = vi.fn()
    const { connection, seen } = listen(
      http.get(URL, ({ request }) => {
        request.signal.addEventListener('abort', aborted)
        const start = (controller: ReadableStreamDefaultController) => controller.enqueue(encoder.encode('data: a\n\n'))
        return new HttpResponse(new ReadableStream({ start }), { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    await seen.take(1)
    connection.close()
    expect(await connection.closed).toBe('closed')
    expect(aborted).toHaveBeenCalledOnce()
  })
})

describe('traps', () => {
  const stream = (source: UnderlyingDefaultSource) =>
    http.get(
      URL,
      () => new HttpResponse(new ReadableStream(source), { headers: { 'content-type': 'text/event-stream' } }),
    )
  /** Whether it settles within a moment. */
  const settles = (promise: Promise<unknown> | undefined) =>
    Promise.race([Promise.resolve(promise).then(() => true), pause(50).then(() => false)])

  it('a mocked body outlives the abort of its request, and its cancel never settles', async () => {
    const cancel = vi.fn()
    msw.use(stream({ cancel }))
    const abort = new AbortController()
    const reader = (await fetch(URL, { signal: abort.signal })).body?.getReader()
    const reading = reader?.read()
    abort.abort()
    expect(await settles(reading)).toBe(false)
    expect(await settles(reader?.cancel())).toBe(false)
    expect(cancel).not.toHaveBeenCalled()
  })

  it('– a connection closes nevertheless', async () => {
    const { connection, seen } = listen(
      stream({ start: (controller) => controller.enqueue(encoder.encode('data: a\n\n')) }),
    )
    await seen.take(1)
    connection.close()
    expect(await connection.closed).toBe('closed')
  })

  it('– and the handler’s stream hears of it, when the copy that msw makes of each response is let go', async () => {
    msw.events.on('response:mocked', ({ response }) => void response.body?.cancel().catch(() => {}))
    const cancel = vi.fn()
    const { connection, seen } = listen(
      stream({ start: (controller) => controller.enqueue(encoder.encode('data: a\n\n')), cancel }),
    )
    await seen.take(1)
    connection.close()
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledOnce())
  })

  it('a scripted server is closed with the connection when it is given as fetch, without msw between', async () => {
    const server = createMockServer()
    const connection = connect(URL, { fetch: server.fetch })
    const request = await server.next()
    request.open()
    await connection.opened
    connection.close()
    expect(await request.closed).toBe('aborted')
  })

  it('– or behind msw, with the same cure, for code that fetches by itself', async () => {
    msw.events.on('response:mocked', ({ response }) => void response.body?.cancel().catch(() => {}))
    const server = createMockServer()
    const { connection, seen } = listen(
      http.get(URL, ({ request }) => server.fetch(request) as Promise<HttpResponse<null>>),
    )
    const first = await server.next()
    first.send({ type: 'tick', data: 'a', id: '1' })
    expect(await seen.take(1)).toEqual([{ type: 'tick', data: 'a', id: '1' }])
    first.drop()
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.open()
    connection.close()
    expect(await second.closed).toMatch(/^(aborted|cancelled)$/)
  })
})

describe('sse()', () => {
  it('throws where there is no EventSource, as in Node and happy-dom – unless one is pretended', () => {
    expect(() => sse(URL, () => {})).toThrow(/EventSource/)
    vi.stubGlobal('EventSource', class {})
    expect(() => sse(URL, () => {})).not.toThrow()
  })

  it('delivers all at the end when its resolver is awaited – and each in time when it is not', async () => {
    vi.stubGlobal('EventSource', class {})
    const together = listen(
      sse<{ message: string }>(URL, async ({ client }) => {
        client.send({ data: 'a' })
        await pause(60)
        client.send({ data: 'b' })
      }),
    )
    await together.seen.take(2)
    together.connection.close()
    expect((together.times[1] as number) - (together.times[0] as number)).toBeLessThan(30)

    const apart = listen(
      sse<{ message: string }>(URL, ({ client }) => {
        void (async () => {
          client.send({ data: 'a' })
          await pause(60)
          client.send({ data: 'b' })
        })()
      }),
    )
    await apart.seen.take(2)
    apart.connection.close()
    expect((apart.times[1] as number) - (apart.times[0] as number)).toBeGreaterThan(30)
  })

  it('answers GET only, and only for exactly this Accept – which is what a connection sends', async () => {
    vi.stubGlobal('EventSource', class {})
    msw.use(sse(URL, ({ client }) => client.close()))
    const fallback = http.all(URL, () => new HttpResponse(null, { status: 404 }))
    msw.use(
      sse(URL, ({ client }) => client.close()),
      fallback,
    )
    const status = async (init: RequestInit) => (await fetch(URL, init)).status
    expect(await status({ headers: { accept: 'text/event-stream' } })).toBe(200)
    expect(await status({ headers: { accept: 'text/event-stream, text/html' } })).toBe(404)
    expect(await status({ headers: { accept: 'text/event-stream' }, method: 'POST' })).toBe(404)
  })

  it('breaks the stream with no reason at all – which a connection takes for what it is, and comes back', async () => {
    vi.stubGlobal('EventSource', class {})
    let requests = 0
    const { connection, seen } = listen(
      sse<{ message: string }>(URL, ({ client }) => {
        client.send({ data: `${++requests}`, id: `${requests}` })
        if (requests === 1) setTimeout(() => client.error(), 20)
      }),
    )
    expect((await seen.take(2)).map(({ data }) => data)).toEqual(['1', '2'])
    connection.close()
  })
})
