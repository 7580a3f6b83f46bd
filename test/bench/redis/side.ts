import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { redisLogs } from '../../../src/redis/redis.ts'
import { createHub, createPublisher, memoryLogs } from '../../../src/server/index.ts'
import { serve } from '../../helpers/child.ts'

// One side of a measurement, in a process of its own: one that serves, or one that publishes.

export type Way = 'bare' | 'ours' | 'pubsub' | 'socketio' | 'memory'

const [, , port, kind, run] = process.argv
const way = kind as Way
const client = new Redis(Number(port), '127.0.0.1')
const key = `bench:${run}`
const KEEP = { count: 1_000_000, bytes: 2 ** 30 }

const writing = new Set<ServerResponse>()
let published = 0
let publish: (data: string) => Promise<unknown> = async () => {}
let listen: (request: Parameters<ReturnType<typeof createHub>['handle']>[0], response: ServerResponse) => unknown =
  () => {}
const server = createServer((request, response) => void listen(request, response))

if (way === 'ours' || way === 'memory') {
  const logs = way === 'ours' ? redisLogs(client) : memoryLogs({ bytes: Number.POSITIVE_INFINITY })
  const log = logs.open(key, KEEP)
  const hub = createHub({ log, heartbeat: 60_000 })
  const publisher = createPublisher(log)
  publish = (data) => publisher.publish({ data })
  listen = (request, response) => hub.handle(request, response)
} else if (way === 'socketio') {
  const adapter = createAdapter(client, { streamName: key, maxLen: KEEP.count, sessionKeyPrefix: `${key}:session:` })
  const io = new Server(server, { adapter, connectionStateRecovery: {} })
  publish = async (data) => io.emit('message', data)
} else {
  listen = (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write(':\n\n')
    writing.add(response)
    response.on('close', () => writing.delete(response))
  }
  const reading = client.duplicate()
  if (way === 'bare') {
    publish = (data) => client.xadd(key, 'MAXLEN', '~', KEEP.count, '*', 'd', data)
    const loop = async () => {
      for (let after = '$'; ; ) {
        const answer = (await reading.call('XREAD', 'COUNT', '1000', 'BLOCK', '1000', 'STREAMS', key, after)) as
          | [string, [string, [string, string]][]]
          | null
        for (const [id, [, data]] of answer?.[1] ?? []) {
          after = id
          for (const response of writing) response.write(`id: ${id}\ndata: ${data}\n\n`)
        }
      }
    }
    void loop()
  } else {
    publish = (data) => client.publish(key, data)
    void reading.subscribe(key)
    reading.on('message', (_channel: string, data: string) => {
      for (const response of writing) response.write(`id: ${++published}\ndata: ${data}\n\n`)
    })
  }
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const side = {
  listen: (at = 0) =>
    new Promise<number>((resolve) =>
      server.listen(at, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    ),
  /** Publishes the time, so often a second. */
  async pace(count: number, rate: number) {
    const began = performance.now()
    for (let at = 0; at < count; ) {
      const due = Math.min(count, ((performance.now() - began) * rate) / 1000)
      for (; at < due; at++) void publish(String(process.hrtime.bigint()))
      await sleep(1)
    }
  },
  /** Publishes numbers, two hundred a second. */
  async count(to: number) {
    for (let n = 0; n < to; n++) {
      void publish(`n${n}`).catch(() => {})
      await sleep(5)
    }
  },
  /** Publishes as fast as it goes, a hundred at a time; how many a second. */
  async blast(count: number, size: number) {
    const data = 'x'.repeat(size)
    const began = performance.now()
    const pending: Promise<unknown>[] = []
    for (let at = 0; at < count; at += 100) {
      pending.push(Promise.all(Array.from({ length: 100 }, () => publish(data))))
      if (pending.length >= 10) await pending.shift()
    }
    await Promise.all(pending)
    // Who answers before it has sent all has not published all.
    await client.ping()
    return count / ((performance.now() - began) / 1000)
  },
  /** CPU so far, in seconds. */
  cpu: () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  /** Readers, raw, that resume after an id; how long until all have so many bytes. */
  async crowd(target: number, count: number, id: string, last: string) {
    const began = performance.now()
    const sockets = await Promise.all(
      Array.from(
        { length: count },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(target, '127.0.0.1')
            socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nLast-Event-ID: ${id}\r\n\r\n`)
            let tail = ''
            socket.on('data', (bytes) => {
              tail = (tail + bytes.toString('latin1')).slice(-400)
              if (tail.includes(last)) resolve(socket)
            })
          }),
      ),
    )
    const took = performance.now() - began
    for (const socket of sockets) socket.destroy()
    return took
  },
}

export type Side = typeof side
serve(side)
