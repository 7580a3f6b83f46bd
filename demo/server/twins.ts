/** Two servers on one Redis, a balancer before them, and a way to kill one. */
import { type ChildProcess, fork } from 'node:child_process'
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startRedis } from '../../test/redis/server.ts'

const execArgv = ['--import', new URL('../../test/helpers/typescript.mjs', import.meta.url).href]
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** How long a server is away that was killed, in milliseconds. */
const AWAY = 4000

export interface Twins {
  /** Where the balancer is. */
  readonly port: number
  /** Kills a server, without a word to anybody. Another process takes its place after a while. */
  kill(number: number): void
  close(): Promise<void>
}

interface Twin {
  child?: ChildProcess | undefined
  port?: number | undefined
}

export async function startTwins(): Promise<Twins> {
  const redis = await startRedis()
  const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis.port}` }
  const twins: Record<number, Twin> = { 1: {}, 2: {} }
  const clock = fork(file('clock.ts'), { execArgv, env })
  let turn = 0
  let timer: NodeJS.Timeout | undefined

  const alive = () => [1, 2].filter((number) => twins[number]?.port)
  let isOver = false
  const tell = () => isOver || clock.send(alive())

  async function start(number: number) {
    const child = fork(file('twin.ts'), [`${number}`], { execArgv, env })
    const twin: Twin = { child }
    twins[number] = twin
    child.once('exit', () => {
      twin.port = undefined
      tell()
    })
    await new Promise<void>((resolve) =>
      child.once('message', (message) => {
        Object.assign(twin, message)
        resolve()
      }),
    )
    tell()
  }

  /** Both readers of a page go to the same server while it is there, and then to another one. */
  const places = new Map<string, number>()
  function placeOf(page: string): number {
    const place = places.get(page) ?? 0
    if (twins[place]?.port) return place
    const there = alive()
    const next = there[turn++ % there.length] ?? 0
    places.set(page, next)
    return next
  }

  const balancer = createServer((request, response) => {
    const port = twins[placeOf(new URL(request.url ?? '/', 'http://twins').searchParams.get('page') ?? '')]?.port
    if (!port) return response.writeHead(503).end()
    const { method, headers, url: path } = request
    const outgoing = ask({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(503).end()))
    response.on('close', () => outgoing.destroy())
    return outgoing.end()
  })

  await Promise.all([start(1), start(2)])
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve))
  return {
    port: (balancer.address() as AddressInfo).port,
    kill(number) {
      // One of them is always there.
      if (alive().length < 2 || !twins[number]) return
      twins[number].child?.kill('SIGKILL')
      timer = setTimeout(() => void start(number), AWAY)
    },
    async close() {
      isOver = true
      clearTimeout(timer)
      clock.kill()
      for (const { child } of Object.values(twins)) child?.kill('SIGKILL')
      balancer.close()
      balancer.closeAllConnections()
      await redis.stop()
    },
  }
}
