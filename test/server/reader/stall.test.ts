import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { accept, type CloseReason, type Connection, createHub } from '../../../src/server/index.ts'
import { listen, shut } from '../../helpers/listen.ts'
import { after, serve, serveHub, until } from '../serve.ts'

const LONG = 'x'.repeat(16_000_000)

/** A reader of raw bytes that takes 64 KiB at a time, as often as it is asked to; by itself it takes nothing. */
function sipper(url: string) {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', highWaterMark: 65_536 } as never)
  after(() => socket.destroy())
  let taken = 0
  let isOver = false
  socket.on('error', () => {})
  socket.on('close', () => {
    isOver = true
  })
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.pause()
  socket.on('readable', () => {})
  return {
    get taken() {
      return taken
    },
    get isOver() {
      return isOver
    },
    sip() {
      const chunk = socket.read(65_536) ?? socket.read()
      taken += chunk?.length ?? 0
    },
  }
}

async function sipUntil(reader: ReturnType<typeof sipper>, condition: () => boolean) {
  await until(() => {
    for (let n = 0; n < 4; n++) reader.sip()
    return condition()
  }, 20_000)
}

describe('stallTimeout', () => {
  test('cuts nobody off who takes a long event slowly, longer than it lasts', async () => {
    const reasons: string[] = []
    const { hub, url } = await serveHub({
      stallTimeout: 400,
      maxQueued: 2 ** 26,
      heartbeat: 0,
      onDisconnect: (_, reason) => void reasons.push(reason),
    })
    const reader = sipper(url)
    await until(() => hub.size === 1)
    await hub.publish({ data: LONG })
    const start = performance.now()
    await sipUntil(reader, () => reader.taken >= LONG.length)
    expect(performance.now() - start).toBeGreaterThan(400)
    expect(reasons).toEqual([])
  }, 30_000)

  test('nor who reads slowly from accept', async () => {
    let connection: Connection | undefined
    const url = await serve((request, response) => {
      connection = accept(request, response, { stallTimeout: 400, maxQueued: 2 ** 26, heartbeat: 0 })
      void connection.send(LONG)
    })
    const reader = sipper(url)
    const start = performance.now()
    await sipUntil(reader, () => reader.taken >= LONG.length)
    expect(performance.now() - start).toBeGreaterThan(400)
    expect(connection?.open).toBe(true)
  }, 30_000)

  test('cuts off who takes nothing of a long event, from a hub and from accept', async () => {
    const { hub, url } = await serveHub({ stallTimeout: 200, maxQueued: 2 ** 26, heartbeat: 0 })
    sipper(url)
    await until(() => hub.size === 1)
    await hub.publish({ data: LONG })
    await until(() => hub.size === 0)
    expect(hub.metrics()).toContain('unmissed_closed_total{reason="slow"} 1\n')
    let closed: Promise<CloseReason> | undefined
    const direct = await serve((request, response) => {
      const connection = accept(request, response, { stallTimeout: 200, maxQueued: 2 ** 26, heartbeat: 0 })
      closed = connection.closed
      void connection.send(LONG)
    })
    sipper(direct)
    await until(() => closed !== undefined)
    expect(await closed).toBe('slow')
  }, 20_000)

  test('cuts off who takes nothing though only little waits: the kernel is full', async () => {
    const { hub, url } = await serveHub({ stallTimeout: 200, maxQueued: 2 ** 26, heartbeat: 0 })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    after(() => socket.destroy())
    socket.on('error', () => {}).pause()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => hub.size === 1)
    const [subscriber] = hub.subscribers()
    // Small pieces, until one of them waits here and goes on waiting: kernels give a reader more room as they see fit.
    const waits = () => (subscriber?.queued ?? 0) > 0
    for (let n = 0; n < 5000; n++) {
      await hub.publish({ data: 'x'.repeat(20_000) })
      await new Promise((resolve) => setImmediate(resolve))
      if (waits()) await new Promise((resolve) => setTimeout(resolve, 10))
      if (waits()) break
    }
    expect(waits()).toBe(true)
    expect(subscriber?.queued).toBeLessThan(100_000)
    await until(() => hub.size === 0)
  }, 20_000)

  test('cuts off a web response that nobody reads, and keeps one that is read', async () => {
    const hub = createHub({ stallTimeout: 200, heartbeat: 0 })
    after(() => hub.close({ within: 0 }))
    await hub.fetch(new Request('http://a/'))
    const read = await hub.fetch(new Request('http://a/'))
    const body = (read.body as ReadableStream<Uint8Array>).getReader()
    void (async () => {
      while (!(await body.read()).done);
    })().catch(() => {})
    expect(hub.size).toBe(2)
    await until(() => hub.size === 1)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(hub.size).toBe(1)
    await body.cancel()
  })

  test('over HTTP/2 sees how far a long event has come', async () => {
    const hub = createHub({ stallTimeout: 300, maxQueued: 2 ** 26, heartbeat: 0 })
    after(() => hub.close({ within: 0 }))
    const server = createHttp2((request, response) => void hub.handle(request as never, response as never))
    const port = await listen(server as never)
    after(() => shut(server as never))
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    after(() => session.destroy())
    const [slow, stuck] = [session.request({ ':path': '/' }), session.request({ ':path': '/' })]
    for (const stream of [slow, stuck]) stream.on('error', () => {}).pause()
    await until(() => hub.size === 2)
    await hub.publish({ data: 'x'.repeat(2_000_000) })
    let taken = 0
    slow.on('readable', () => {})
    const start = performance.now()
    await until(() => {
      taken += (slow.read(16_384) ?? slow.read())?.length ?? 0
      return taken >= 2_000_000
    }, 20_000)
    expect(performance.now() - start).toBeGreaterThan(300)
    await until(() => hub.size === 1)
    expect(slow.destroyed).toBe(false)
  }, 30_000)
})

describe('middleware that keeps callbacks to itself', () => {
  test('neither stops a replay nor keeps a promise of send open', async () => {
    const { hub, url, join } = await (async () => {
      const served = await serveHub({ history: 2000, heartbeat: 0 })
      const url = await serve((request, response) => {
        const write = response.write.bind(response) as (chunk: unknown) => boolean
        response.write = ((chunk: unknown) => write(chunk)) as typeof response.write
        return served.hub.handle(request, response)
      })
      return { ...served, url }
    })()
    const { id } = await hub.publish({ data: 'start' })
    for (let n = 1; n <= 1001; n++) await hub.publish({ data: `${n}` })
    void join
    const { open } = await import('../../helpers/reader.ts')
    const reader = await open(url, { lastEventId: id })
    after(() => reader.drop())
    await reader.until(1001)
    await until(() => hub.stats().states.live === 1)
    const [subscriber] = hub.subscribers()
    await subscriber?.send('by itself')
    await reader.until(1002)
  })
})
