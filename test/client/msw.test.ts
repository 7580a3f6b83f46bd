import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/index.ts'

// As our users' tests have it: the global fetch, intercepted. A mocked body outlives an abort, and its `cancel` may never
// settle; neither must keep a connection of ours from closing.

const URL = 'https://sse.test/events'
const server = setupServer()
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => server.resetHandlers())
afterAll(() => server.close())

const encoder = new TextEncoder()
function body(start: (controller: ReadableStreamDefaultController<Uint8Array>) => void) {
  return new HttpResponse(new ReadableStream({ start }), { headers: { 'content-type': 'text/event-stream' } })
}

describe('with msw', () => {
  it('reads chunks as they are cut, even inside a character', async () => {
    const bytes = encoder.encode('id: 1\nevent: tick\ndata: é€😀\n\n')
    server.use(
      http.get(URL, () =>
        body((controller) => {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        }),
      ),
    )
    const connection = connect(URL)
    for await (const event of connection) {
      expect(event).toEqual({ type: 'tick', data: 'é€😀', id: '1' })
      break
    }
    expect(await connection.closed).toBe('closed')
  })
  it('closes though the mocked body ignores it', async () => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined
    server.use(
      http.get(URL, () =>
        body((made) => {
          controller = made
          made.enqueue(encoder.encode('data: 1\n\n'))
        }),
      ),
    )
    const connection = connect(URL)
    const events: string[] = []
    connection.on(({ data }) => events.push(data))
    await connection.next()
    connection.close()
    expect(await connection.closed).toBe('closed')
    try {
      controller?.enqueue(encoder.encode('data: 2\n\n'))
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(events).toEqual(['1'])
  })
  it('resumes with the id, with the headers of that moment', async () => {
    const asked: (string | null)[][] = []
    let token = 0
    server.use(
      http.get(URL, ({ request: { headers } }) => {
        asked.push([headers.get('last-event-id'), headers.get('authorization')])
        if (asked.length === 2) return HttpResponse.error()
        return body((controller) => {
          controller.enqueue(encoder.encode(`id: ${asked.length}\ndata: a\n\n`))
          setTimeout(() => controller.error(undefined), 5)
        })
      }),
    )
    const connection = connect(URL, {
      headers: () => ({ authorization: `Bearer ${++token}` }),
      retry: { base: 1, max: 10 },
    })
    const ids: string[] = []
    for await (const { id } of connection) if (ids.push(id) === 3) break
    expect(ids).toEqual(['1', '3', '4'])
    expect(asked).toEqual([
      [null, 'Bearer 1'],
      ['1', 'Bearer 2'],
      ['1', 'Bearer 3'],
      ['3', 'Bearer 4'],
    ])
  })
  it('fails with what the server says', async () => {
    server.use(http.post(URL, () => HttpResponse.json({ message: 'no credit' }, { status: 402 })))
    const connection = connect(URL, { method: 'POST', body: '{}' })
    expect(await connection.closed).toBe('failed')
    expect(connection.snapshot.error).toMatchObject({ code: 'status', status: 402, body: '{"message":"no credit"}' })
  })
})
