import { connect, type Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { accept, type CloseReason, type Connection } from '../../../src/server/index.ts'
import { after, serve, serveHub, until, warnings } from '../serve.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A socket that sends these bytes, and what it is sent. */
function raw(url: string, bytes: string): { socket: Socket; readonly text: string } {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  after(() => socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', (data) => {
    text += data
  })
  socket.on('error', () => {})
  socket.write(bytes)
  return {
    socket,
    get text() {
      return text
    },
  }
}

describe('requests that were pipelined on one socket', () => {
  test('are one reader, and none of them is left when the socket is destroyed', async () => {
    const warned = warnings()
    const { hub, url } = await serveHub({ limits: { connections: 2 } })
    const { socket } = raw(url, GET.repeat(50))
    await until(() => hub.size > 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(hub.size).toBe(1)
    socket.destroy()
    await until(() => hub.size === 0)
    // Neither then nor later: all that waited have heard of it.
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(hub.size).toBe(0)
    // Nor is a place left taken.
    const again = [raw(url, GET), raw(url, GET)]
    await until(() => again.every(({ text }) => text.startsWith('HTTP/1.1 200 OK')))
    await new Promise((resolve) => setImmediate(resolve))
    expect(warned).toEqual([])
  })

  test('from five sockets that are gone leave a hub of a hundred places to others', async () => {
    const { hub, url, join } = await serveHub({ limits: { connections: 100 } })
    const sockets = Array.from({ length: 5 }, () => raw(url, GET.repeat(50)))
    await until(() => hub.size === 5)
    for (const { socket } of sockets) socket.destroy()
    const readers = []
    for (let n = 0; n < 20; n++) readers.push(await join())
    expect(readers.map(({ status }) => status)).toEqual(readers.map(() => 200))
    await until(() => hub.size === 20)
  })

  test('get their streams one after the other, each when the one before has ended', async () => {
    const { hub, url } = await serveHub({ limits: { connections: 1 } })
    const reader = raw(url, GET.repeat(3))
    for (let n = 1; n <= 3; n++) {
      await until(() => hub.size === 1 && reader.text.split('HTTP/1.1 200').length === n + 1)
      await hub.publish({ data: `of stream ${n}` })
      await until(() => reader.text.includes(`of stream ${n}\n`))
      hub.disconnect('everyone')
    }
    await until(() => hub.size === 0)
    expect(reader.text).not.toContain('503')
  })

  test('that wait are let go by accept, too, with the reason that the reader left', async () => {
    const warned = warnings()
    const connections: Connection[] = []
    const url = await serve((request, response) => void connections.push(accept(request, response, { heartbeat: 0 })))
    const { socket } = raw(url, GET.repeat(50))
    await until(() => connections.length === 50)
    const reasons = Promise.all(connections.map(({ closed }) => closed))
    socket.resetAndDestroy()
    expect(new Set(await reasons)).toEqual(new Set<CloseReason>(['left']))
    expect(connections.map(({ open, queued }) => [open, queued]).at(-1)).toEqual([false, expect.any(Number)])
    expect(warned).toEqual([])
  })

  test('are not asked about with authorize while they wait', async () => {
    const authorize = vi.fn(() => true)
    const { hub, url } = await serveHub({ authorize })
    const { socket } = raw(url, GET.repeat(20))
    await until(() => hub.size === 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(authorize).toHaveBeenCalledTimes(1)
    socket.destroy()
    await until(() => hub.size === 0)
    expect(authorize).toHaveBeenCalledTimes(1)
  })
})

describe('a reader leaves at once, without anything being written to it', () => {
  const post = (length: number, sent: number) =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(sent)}`

  test.each([
    ['of which all came', post(100, 100)],
    ['of which some came', post(100, 10)],
    ['that is longer than what Node reads ahead', post(10_000_000, 1_000_000)],
    ['in chunks', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
  ])('after the body of a POST %s', async (_, bytes) => {
    const { hub, url } = await serveHub({ heartbeat: 0 })
    const { socket } = raw(url, bytes)
    await until(() => hub.size === 1)
    socket.destroy()
    await until(() => hub.size === 0, 1000)
  })

  test.each(['destroy', 'resetAndDestroy', 'end'] as const)('by %s', async (how) => {
    const { hub, url } = await serveHub({ heartbeat: 0 })
    const { socket } = raw(url, GET)
    await until(() => hub.size === 1)
    socket[how]()
    await until(() => hub.size === 0, 1000)
  })
})
