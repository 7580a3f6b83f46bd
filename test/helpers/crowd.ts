import { connect, type Socket } from 'node:net'
import { serve } from './child.ts'
import { MARK, now, STAMP } from './mark.ts'

// A process of raw sockets that only count: cheap enough that the server, not its readers, is what a benchmark measures.

/** Every read lands here; the callback is synchronous, so one buffer serves all sockets and none is ever collected. */
const buffer = Buffer.allocUnsafe(2 ** 16)
/** One socket of this many has its latencies read, so that reading the clock does not slow the crowd. */
const SAMPLED = 16

const sockets = new Set<Socket>()
let deliveries = 0
let latencies: number[] = []
let ack: { socket: Socket; every: number; next: number } | undefined
let wanted: { count: number; resolve: () => void } | undefined
let closed = 0

function read(size: number, sampled: boolean) {
  const bytes = buffer.subarray(0, size)
  let found = 0
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    found++
    if (sampled && at + STAMP < size) latencies.push(now() - Number(bytes.toString('latin1', at + 1, at + 1 + STAMP)))
  }
  deliveries += found
  while (ack && deliveries >= ack.next) {
    ack.next += ack.every
    ack.socket.write('.')
  }
  if (wanted && deliveries >= wanted.count) wanted.resolve()
}

/** Resolves when the head of the answer is there; a stalled reader never reads, not even that. */
function open(port: number, path: string, stalled: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const sampled = sockets.size % SAMPLED === 0
    const host = '127.0.0.1'
    const socket = stalled
      ? connect({ port, host })
      : connect({
          port,
          host,
          onread: {
            buffer,
            callback: (size) => {
              resolve()
              read(size, sampled)
              return true
            },
          },
        })
    if (stalled) socket.pause()
    sockets.add(socket)
    socket.on('error', reject)
    socket.once('close', () => {
      sockets.delete(socket)
      closed++
    })
    socket.once('connect', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`)
      if (stalled) resolve()
    })
  })
}

const methods = {
  async connect(options: { port: number; count: number; path?: string; stalled?: boolean }): Promise<void> {
    let left = options.count
    const worker = async () => {
      while (left-- > 0) await open(options.port, options.path ?? '/', options.stalled ?? false)
    }
    await Promise.all(Array.from({ length: 64 }, worker))
  },
  /** From here on one byte goes to `port` after every `every` deliveries. */
  async acknowledge(options: { port: number; every: number }): Promise<void> {
    ack?.socket.destroy()
    const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true })
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.on('error', () => {})
    ack = { socket, every: options.every, next: options.every }
  },
  reset(): void {
    deliveries = 0
    latencies = []
    if (ack) ack.next = ack.every
  },
  /** Waits for so many deliveries, or for the time, and a moment more, in which nothing may come that nobody sent. */
  async expect(count: number, within: number): Promise<{ deliveries: number; closed: number }> {
    if (deliveries < count) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, within)
        wanted = {
          count,
          resolve: () => {
            clearTimeout(timer)
            resolve()
          },
        }
      })
      wanted = undefined
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    return { deliveries, closed }
  },
  /** In milliseconds. */
  latency(): { p50: number; p99: number; max: number; samples: number } {
    const sorted = latencies.sort((a, b) => a - b)
    const at = (part: number) => (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0) / 1000
    return { p50: at(0.5), p99: at(0.99), max: at(1), samples: sorted.length }
  },
  /** A reset, not an end: ten thousand sockets in TIME_WAIT would use up the ports of the next round. */
  async leave(): Promise<void> {
    const all = [...sockets]
    await Promise.all(
      all.map(
        (socket) =>
          new Promise((resolve) => {
            socket.once('close', resolve)
            socket.resetAndDestroy()
          }),
      ),
    )
    closed = 0
  },
}

export type Crowd = typeof methods
serve(methods)
