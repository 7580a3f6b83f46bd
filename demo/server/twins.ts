/** Two servers on one Redis, a balancer before them, and a way to kill one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startRedis } from '../../test/redis/server.ts'
import { pass } from './pass.ts'
import { type ServerProcess, startProgram, startServer } from './process.ts'

/** How long a server is away that was killed, in milliseconds. */
const AWAY = 4000

export interface Twins {
  /** Where the balancer is. */
  readonly port: number
  /** Kills a server, without a word to anybody. Another process takes its place after a while. */
  kill(number: number): void
  close(): Promise<void>
}

export async function startTwins(): Promise<Twins> {
  const redis = await startRedis()
  const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis.port}` }
  const twins: Partial<Record<number, ServerProcess>> = {}
  const clock = startProgram('clock.ts', [], env)
  let turn = 0
  let timer: NodeJS.Timeout | undefined

  const alive = () => [1, 2].filter((number) => twins[number]?.port)
  let isOver = false
  const tell = () => isOver || clock.send(alive())

  async function start(number: number) {
    const twin = startServer('twin.ts', [number], env)
    twins[number] = twin
    await twin.ready
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
    return pass(request, response, { port })
  })

  await Promise.all([start(1), start(2)])
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve))
  return {
    port: (balancer.address() as AddressInfo).port,
    kill(number) {
      const twin = twins[number]
      // One of them is always there.
      if (!twin || alive().length < 2) return
      twin.child.kill('SIGKILL')
      twin.port = 0
      tell()
      timer = setTimeout(() => void start(number), AWAY)
    },
    async close() {
      isOver = true
      clearTimeout(timer)
      clock.kill()
      for (const twin of Object.values(twins)) twin?.child.kill('SIGKILL')
      balancer.close()
      balancer.closeAllConnections()
      await redis.stop()
    },
  }
}
