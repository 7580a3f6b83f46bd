import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { createResumableStreamContext } from 'resumable-stream/ioredis'
import { redisLogs } from '../../../src/redis/redis.ts'
import { accept, createRuns, type Production } from '../../../src/server/index.ts'
import { serve } from '../../helpers/child.ts'

// A server of answers, in a process of its own: by `accept` alone, by runs in memory or on Redis, by resumable-stream.

export type Way = 'accept' | 'memory' | 'redis' | 'resumable-stream'

const [, , kind, port] = process.argv
const way = kind as Way
const redis = () => new Redis(Number(port), '127.0.0.1')
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** How many tokens an answer has, and the pause between them, in milliseconds. */
let tokens = 1
let pause = 0

const runs =
  way === 'memory' || way === 'redis'
    ? createRuns({ authorize: 'anyone', ...(way === 'redis' && { logs: redisLogs(redis()) }) })
    : undefined
const context =
  way === 'resumable-stream'
    ? createResumableStreamContext({ waitUntil: null, publisher: redis(), subscriber: redis() })
    : undefined

async function produce(send: Production['send'] | ((token: string) => Promise<unknown>)): Promise<void> {
  for (let n = 0; n < tokens; n++) {
    await send(`token ${n}`)
    if (pause) await sleep(pause)
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = (request.url ?? '').slice(1)
  if (runs) {
    await runs.start(id, ({ send }) => produce(send))
    await runs.handle(request, response, id)
  } else if (context) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const source = () =>
      new ReadableStream<string>({
        async start(controller) {
          await produce(async (token: string) => controller.enqueue(`data: ${token}\n\n`))
          controller.close()
        },
      })
    const stream = await context.resumableStream(id, source)
    for await (const text of stream ?? []) response.write(text)
    response.end()
  } else {
    const connection = accept(request, response)
    await produce((token: string) => connection.send(token))
    connection.close()
  }
}

const server = createServer((request, response) => void answer(request, response))

const side = {
  listen: () =>
    new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    ),
  of: (count: number, wait: number) => {
    tokens = count
    pause = wait
  },
  /** CPU so far, in seconds. */
  cpu: () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  heap: () => {
    for (let times = 0; times < 3; times++) globalThis.gc?.()
    return process.memoryUsage().heapUsed
  },
  /** Starts so many runs without readers, each with so many tokens a second, for so long; CPU per token in microseconds, and bytes of heap per run. */
  async crowd(count: number, rate: number, seconds: number) {
    const before = side.heap()
    const all: Promise<unknown>[] = []
    let sent = 0
    let isOver = false
    for (let n = 0; n < count; n++) {
      const run = await runs?.start(`crowd ${n}`, async ({ send }) => {
        await sleep(Math.random() * 1000)
        while (!isOver) {
          await send(`token ${sent++}`)
          await sleep(1000 / rate)
        }
      })
      all.push(run?.outcome as Promise<unknown>)
    }
    const idle = side.heap()
    await sleep(1500)
    const [cpu, tokensBefore] = [side.cpu(), sent]
    await sleep(seconds * 1000)
    const result = { perToken: ((side.cpu() - cpu) / (sent - tokensBefore)) * 1e6, perRun: (idle - before) / count }
    isOver = true
    await Promise.all(all)
    return result
  },
}

export type Side = typeof side
serve(side)
