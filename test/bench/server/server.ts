import { createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { serve } from '../../helpers/child.ts'
import { listen } from '../../helpers/listen.ts'
import { marked } from '../../helpers/mark.ts'
import type { Contender } from './contender.ts'

const { contender }: { contender: () => Contender } = await import(`./contenders/${process.argv[2]}.ts`)
const server = contender()

let acknowledged = 0
let heard = () => {}
const control = createServer((socket: Socket) => {
  socket.setNoDelay()
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    acknowledged += bytes.length
    heard()
  })
})

const methods = {
  listen: async () => ({ port: await server.listen(), control: await listen(control) }),
  size: () => server.size(),
  /**
   * Broadcasts `turns` times `burst` events, each burst within one turn of the event loop, and never runs more than
   * `ahead` turns before the readers: what is measured is the sending, not the queueing.
   */
  async run({
    turns,
    burst,
    payload,
    every,
    ahead,
  }: {
    turns: number
    burst: number
    payload: number
    every: number
    ahead: number
  }) {
    acknowledged = 0
    globalThis.gc?.()
    const cpu = process.cpuUsage()
    const start = performance.now()
    const caughtUp = async (allowed: number, sent: number) => {
      while (sent - acknowledged * every > allowed) await new Promise<void>((resolve) => (heard = resolve))
    }
    for (let sent = 0; sent < turns; sent++) {
      await caughtUp(ahead - 1, sent)
      for (let i = 0; i < burst; i++) server.broadcast(marked(payload))
      await turn()
    }
    await caughtUp(0, turns)
    const { user, system } = process.cpuUsage(cpu)
    return { user, system, wall: performance.now() - start }
  },
  /** After collecting whatever can be collected. */
  async memory() {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    const { heapUsed, rss } = process.memoryUsage()
    return { heap: heapUsed, rss }
  },
}

export type BenchServer = typeof methods
serve(methods)
