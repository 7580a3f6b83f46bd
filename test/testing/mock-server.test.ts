import { afterEach, describe, expect, it, vi } from 'vitest'
import { createParser, type ServerSentEvent } from '../../src/index.ts'
import { at, byByte, createCollector, createMockServer, type MockRequest } from '../../src/testing/index.ts'

const URL = 'https://example.test/events'
const decoder = new TextDecoder()

/** Reads a body to its end, as the list of its chunks. */
async function chunks(response: Response) {
  const read: string[] = []
  for await (const chunk of response.body ?? []) read.push(decoder.decode(chunk))
  return read
}

describe('requests', () => {
  it('are there with URL, method, headers, body and signal, in the order they were made', async () => {
    const server = createMockServer()
    const { signal } = new AbortController()
    void server.fetch(URL, { headers: { 'Last-Event-ID': '7' }, signal })
    void server.fetch('/chat', { method: 'post', body: '{"q":1}' })

    const first = await server.next()
    expect(first).toMatchObject({ url: URL, method: 'GET', body: undefined, signal })
    expect(first.headers.get('last-event-id')).toBe('7')
    expect(await server.next()).toMatchObject({ url: 'http://localhost/chat', method: 'POST', body: '{"q":1}' })
    expect(server.requests.map((request) => request.url)).toEqual([URL, 'http://localhost/chat'])
  })

  it('are awaited by next() before they are made', async () => {
    const server = createMockServer()
    const [one, two] = [server.next(), server.next()]
    void server.fetch(`${URL}?1`)
    void server.fetch(`${URL}?2`)
    expect([(await one).url, (await two).url]).toEqual([`${URL}?1`, `${URL}?2`])
  })

  it('may come as a Request, whose parts the init overrides', async () => {
    const server = createMockServer()
    const asked = new Request(URL, { method: 'POST', body: 'hello', headers: { 'x-from': 'request' } })
    void server.fetch(asked, { headers: { 'x-from': 'init' } })
    const { url, method, headers, body, signal } = await server.next()
    expect([url, method, headers.get('x-from')]).toEqual([URL, 'POST', 'init'])
    expect(await new Response(body).text()).toBe('hello')
    expect(signal).toBe(asked.signal)
  })

  it('may come with a URL object', async () => {
    const server = createMockServer()
    void server.fetch(new globalThis.URL(URL))
    expect((await server.next()).url).toBe(URL)
  })

  it('are answered by onRequest, where one is given', async () => {
    const server = createMockServer({ onRequest: (request) => request.status(200, {}, `: ${request.url}`) })
    expect(await chunks(await server.fetch(URL))).toEqual([`: ${URL}`])
  })
})

describe('answers', () => {
  async function exchange(options = {}) {
    const server = createMockServer(options)
    const response = server.fetch(URL)
    return { server, response, request: await server.next() }
  }

  it('have no head before the script says something', async () => {
    const { response, request } = await exchange()
    let answered = false
    void response.then(() => {
      answered = true
    })
    await new Promise(setImmediate)
    expect(answered).toBe(false)
    request.open()
    expect(await response).toMatchObject({ status: 200, ok: true, url: URL })
  })

  it('are text/event-stream with 200, and carry the server’s headers, which the answer may override', async () => {
    const { response, request } = await exchange({ headers: { unmissed: 'heartbeat=15000', 'x-server': 'a' } })
    request.open({ headers: { 'X-Server': 'b', 'set-cookie': 'c=1' } })
    const { headers } = await response
    expect(headers.get('content-type')).toBe('text/event-stream')
    expect(headers.get('unmissed')).toBe('heartbeat=15000')
    expect(headers.get('x-server')).toBe('b')
  })

  it('carry events, comments and bytes as they were written, one chunk each', async () => {
    const { response, request } = await exchange()
    request.send({ type: 'tick', data: { price: 3 }, id: '1', retry: 50 })
    request.comment()
    request.comment('note')
    request.write('data: raw')
    request.write(Uint8Array.of(0x0a, 0x0a))
    request.end()
    expect(await chunks(await response)).toEqual([
      'id: 1\nevent: tick\nretry: 50\ndata: {"price":3}\n\n',
      ':\n\n',
      ': note\n\n',
      'data: raw',
      '\n\n',
    ])
    expect(await request.closed).toBe('ended')
  })

  it('are cut as the server says, or as the write says', async () => {
    const { response, request } = await exchange({ cut: byByte })
    request.write('abc')
    request.write('defgh', at(2))
    request.send({ data: 'x' }, at(4))
    request.end()
    expect(await chunks(await response)).toEqual(['a', 'b', 'c', 'de', 'fgh', 'data', ': x\n\n'])
  })

  it('may be cut inside a character', async () => {
    const { response, request } = await exchange({ cut: byByte })
    request.send({ data: '€🙂' })
    request.end()
    const seen = createCollector<ServerSentEvent>()
    const parser = createParser({ onEvent: seen })
    for await (const chunk of (await response).body ?? []) parser.push(chunk)
    expect(seen.events).toEqual([{ type: 'message', data: '€🙂', id: '' }])
  })

  it('keep what was written, whatever happens to the buffer afterwards', async () => {
    const { response, request } = await exchange()
    const buffer = new TextEncoder().encode('one')
    request.write(buffer)
    buffer.fill(0x78)
    request.write('')
    request.end()
    expect(await chunks(await response)).toEqual(['one'])
    expect(buffer.byteLength).toBe(3)
  })

  it('count what the client has not read yet', async () => {
    const { response, request } = await exchange()
    for (const data of ['a', 'b', 'c']) request.send({ data })
    expect(request.unread).toBe(3)
    await (await response).body?.getReader().read()
    expect(request.unread).toBe(2)
  })

  it('say another status, with headers and body, and end', async () => {
    const { response, request } = await exchange()
    request.status(503, { 'retry-after': '2', 'content-type': 'text/plain' }, 'busy')
    const answer = await response
    expect([answer.status, answer.ok, answer.headers.get('retry-after')]).toEqual([503, false, '2'])
    expect(answer.headers.get('content-type')).toBe('text/plain')
    expect(await answer.text()).toBe('busy')
    expect(await request.closed).toBe('ended')
  })

  it.each([204, 205, 304])('have no body with %i', async (status) => {
    const { response, request } = await exchange()
    request.status(status)
    expect(await response).toMatchObject({ status, body: null })
    expect(await request.closed).toBe('ended')
  })

  it('hand a redirect over as it is', async () => {
    const { response, request } = await exchange()
    request.status(307, { location: '/elsewhere' })
    const answer = await response
    expect([answer.status, answer.headers.get('location')]).toEqual([307, '/elsewhere'])
  })

  it('break with the given error, after what was sent', async () => {
    const { response, request } = await exchange()
    const error = new Error('ECONNRESET')
    request.send({ data: 'last' })
    request.drop(error)
    const reader = (await response).body?.getReader()
    expect(decoder.decode((await reader?.read())?.value)).toBe('data: last\n\n')
    await expect(reader?.read()).rejects.toBe(error)
    expect(await request.closed).toBe('dropped')
  })

  it('stalled, deliver what was sent before, then neither data nor an end, and still can be aborted', async () => {
    const server = createMockServer()
    const controller = new AbortController()
    const response = server.fetch(URL, { signal: controller.signal })
    const request = await server.next()
    request.send({ data: 'before' })
    request.stall()
    request.send({ data: 'after' })
    request.end()
    request.drop()
    const reader = (await response).body?.getReader()
    expect(decoder.decode((await reader?.read())?.value)).toBe('data: before\n\n')
    const rest = reader?.read()
    let settled = false
    void rest?.then(
      () => {
        settled = true
      },
      () => {},
    )
    await new Promise(setImmediate)
    expect([settled, server.live]).toEqual([false, 1])
    controller.abort()
    await expect(rest).rejects.toMatchObject({ name: 'AbortError' })
    expect(server.live).toBe(0)
  })

  it('stalled before the head, never come', async () => {
    const { response, request } = await exchange()
    request.stall()
    request.open()
    request.drop()
    let settled = false
    void response.then(() => {
      settled = true
    })
    await new Promise(setImmediate)
    expect(settled).toBe(false)
  })

  it('that are over take no more, and closing twice is harmless', async () => {
    const { response, request } = await exchange()
    request.end()
    request.end()
    request.send({ data: 'late' })
    request.drop()
    expect(await chunks(await response)).toEqual([])
    expect(await request.closed).toBe('ended')
  })
})

describe('life', () => {
  it('counts the requests that are not over', async () => {
    const server = createMockServer()
    const controller = new AbortController()
    const one = server.fetch(URL, { signal: controller.signal })
    const two = server.fetch(URL)
    expect(server.live).toBe(2)
    controller.abort()
    await expect(one).rejects.toBe(controller.signal.reason)
    expect(server.live).toBe(1)
    server.requests[1]?.status(204)
    await two
    expect(server.live).toBe(0)
  })

  it.each([
    ['ended', (request: MockRequest) => request.end()],
    ['dropped', (request: MockRequest) => request.drop()],
    ['answered without a body', (request: MockRequest) => request.status(204)],
    ['cancelled', (request: MockRequest) => request.open()],
  ])('leaves no listener on the signal once it is %s', async (_, finish) => {
    const server = createMockServer()
    const { signal } = new AbortController()
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    const response = server.fetch(URL, { signal })
    const request = await server.next()
    finish(request)
    await response.then(({ body }) => body?.cancel()).catch(() => {})
    await request.closed
    expect(remove.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
      add.mock.calls.map(([type, listener]) => [type, listener]),
    )
  })
})

describe('with fake timers', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('needs no time to pass', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'] })
    const server = createMockServer()
    const response = server.fetch(URL)
    const request = await server.next()
    request.send({ data: '1' }, byByte)
    request.end()
    expect((await chunks(await response)).join('')).toBe('data: 1\n\n')
    expect(vi.getTimerCount()).toBe(0)
  })
})
