import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createMockServer } from '../../src/testing/index.ts'

/** What a test does to the line, and what it learns from it. */
interface Line {
  fetch: (init?: RequestInit) => Promise<Response>
  /** The server's end of the request that comes next. */
  next: () => Promise<{ open(): void; send(text: string): void; end(): void; drop(): void; gone: Promise<unknown> }>
  close: () => Promise<void>
}

async function real(): Promise<Line> {
  const waiting: ((response: ServerResponse) => void)[] = []
  const server = createServer((_, response) => waiting.shift()?.(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    fetch: (init) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, init),
    async next() {
      const response = await new Promise<ServerResponse>((resolve) => waiting.push(resolve))
      return {
        open: () => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
        send: (text) => response.write(text),
        end: () => response.end(),
        drop: () => response.destroy(),
        gone: once(response, 'close'),
      }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function mock(): Promise<Line> {
  const server = createMockServer()
  return {
    fetch: (init) => server.fetch('https://example.test/', init),
    async next() {
      const request = await server.next()
      return {
        open: () => request.open(),
        send: (text) => request.write(text),
        end: () => request.end(),
        drop: () => request.drop(),
        gone: request.closed,
      }
    },
    close: async () => expect(server.live).toBe(0),
  }
}

/** The same expectations for Node's own fetch over HTTP and for the scripted one: this is what "as the platform" means. */
describe.each([
  ['Node’s fetch over HTTP', real],
  ['the mock server', mock],
])('%s', (_, open) => {
  const reason = new Error('no longer wanted')

  it('rejects with the reason when aborted before the call', async () => {
    const line = await open()
    await expect(line.fetch({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await line.close()
  })

  it('rejects with the reason when aborted before the head, and the server sees it', async () => {
    const line = await open()
    const controller = new AbortController()
    const next = line.next()
    const response = line.fetch({ signal: controller.signal })
    const { gone } = await next
    controller.abort(reason)
    await expect(response).rejects.toBe(reason)
    await gone
    await line.close()
  })

  it('errors a body that is being read with the reason of the abort, and the server sees it', async () => {
    const line = await open()
    const controller = new AbortController()
    const next = line.next()
    const response = line.fetch({ signal: controller.signal })
    const { open: head, gone } = await next
    head()
    const reading = (await response).body?.getReader().read()
    controller.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await gone
    await line.close()
  })

  it('throws away what was not read when aborted', async () => {
    const line = await open()
    const controller = new AbortController()
    const next = line.next()
    const response = line.fetch({ signal: controller.signal })
    const { send } = await next
    send('data: 1\n\n')
    const reader = (await response).body?.getReader()
    await new Promise((resolve) => setTimeout(resolve, 20))
    controller.abort(reason)
    await expect(reader?.read()).rejects.toBe(reason)
    await line.close()
  })

  it('tells the server of a cancelled body, resolves the cancel and ends a pending read', async () => {
    const line = await open()
    const next = line.next()
    const response = line.fetch()
    const { open: head, gone } = await next
    head()
    const reader = (await response).body?.getReader()
    const reading = reader?.read()
    await reader?.cancel(reason)
    expect(await reading).toEqual({ done: true, value: undefined })
    await gone
    await line.close()
  })

  it('delivers what was sent, then the end', async () => {
    const line = await open()
    const next = line.next()
    const response = line.fetch()
    const { send, end } = await next
    send('data: 1\n\n')
    end()
    expect(await (await response).text()).toBe('data: 1\n\n')
    await line.close()
  })

  it('rejects with a TypeError when the line breaks before the head', async () => {
    const line = await open()
    const next = line.next()
    const response = line.fetch()
    ;(await next).drop()
    await expect(response).rejects.toThrow(new TypeError('fetch failed'))
    await line.close()
  })

  it('errors the body with a TypeError when the line breaks after the head', async () => {
    const line = await open()
    const next = line.next()
    const response = line.fetch()
    const { open: head, drop } = await next
    head()
    const reading = (await response).body?.getReader().read()
    drop()
    await expect(reading).rejects.toThrow(new TypeError('terminated'))
    await line.close()
  })

  it('lends itself to a reader with its own buffer, which it gives back at the end', async () => {
    const line = await open()
    const next = line.next()
    const response = line.fetch()
    const { send, end } = await next
    send('abc')
    const reader = (await response).body?.getReader({ mode: 'byob' })
    const { value } = (await reader?.read(new Uint8Array(8))) ?? {}
    expect(new TextDecoder().decode(value)).toBe('abc')
    const last = reader?.read(new Uint8Array(8))
    end()
    expect((await last)?.done).toBe(true)
    await line.close()
  })

  it.each([
    ['a header that is no byte string', { headers: { 'last-event-id': '€' } }],
    ['a header with a line end', { headers: { 'x-a': 'b\nc' } }],
  ])('rejects with a TypeError for %s', async (_, init) => {
    const line = await open()
    await expect(line.fetch(init)).rejects.toThrow(TypeError)
    await line.close()
  })
})
