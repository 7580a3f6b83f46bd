import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHub } from '../../src/server/index.ts'
import { serve } from '../helpers/child.ts'
import { listen } from '../helpers/listen.ts'
import { marked } from '../helpers/mark.ts'

// A hub in a process of its own, so that its memory is the hub's and nobody else's. Options come as JSON.
const hub = createHub(JSON.parse(process.argv[2] ?? '{}'))
const server = createServer((request, response) => hub.handle(request, response))

const methods = {
  listen: () => listen(server),
  /** One event every `interval` milliseconds, made up for when a timer was late. */
  async broadcast({ count, interval, payload }: { count: number; interval: number; payload: number }): Promise<void> {
    const start = performance.now()
    for (let i = 0; i < count; i++) {
      await hub.publish({ data: marked(payload) })
      await sleep(Math.max(0, start + (i + 1) * interval - performance.now()))
    }
  },
  size: () => hub.size,
  stats: () => hub.stats(),
  /** What a process holds, after collecting: in bytes, sockets of the server and whatever else keeps it alive. */
  async left() {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.()
      await sleep(25)
    }
    const { heapUsed, rss, external } = process.memoryUsage()
    const connections = await new Promise<number>((resolve, reject) =>
      server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
    return { heap: heapUsed, rss, external, connections, resources: process.getActiveResourcesInfo().sort() }
  },
  async close() {
    await hub.close({ within: 1000 })
    server.close()
    server.closeAllConnections()
    process.disconnect?.()
  },
}

export type HubServer = typeof methods
serve(methods)
