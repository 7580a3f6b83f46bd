import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHub } from '../../src/server/index.ts'
import { eventAt } from './log.ts'
import type { Origin, OriginOptions } from './origin.ts'

/** Milliseconds between two turns of publishing, and the most events that a turn publishes to one client. */
const TURN = 8
const BURST = 2
/** How far a client may be behind. Cut often enough, it reads less than is published, and no history would be long enough. */
const BEHIND = 1_000

/**
 * The same log, published live through a hub of ours with one topic for each path: what a client misses while it is away
 * must come from the hub's history, in the hub's one order.
 */
export async function startHub({ ids, retry, read }: OriginOptions): Promise<Origin> {
  const errors: unknown[] = []
  const hub = createHub({ retry, heartbeat: 50, history: 10_000, onError: (error) => errors.push(error) })
  const logs = new Map<string, { sent: number; end: number }>()
  let live = 0
  const server = createServer((request, response) => {
    live++
    response.on('close', () => live--)
    const path = new URL(request.url ?? '/', 'http://origin').pathname
    // The log of a path begins with its first reader.
    if (!logs.has(path)) logs.set(path, { sent: 0, end: Number.POSITIVE_INFINITY })
    void hub.handle(request, response, { topics: [path] })
  })
  const { id: start } = await hub.publish({ data: 'the page is loaded' }, { topic: 'none' })

  let turn = 0
  const timer = setInterval(() => {
    turn++
    for (const [path, log] of logs) {
      const end = Math.min(log.end, read(path) + BEHIND)
      for (let left = turn % (BURST + 1); left > 0 && log.sent < end; left--) {
        const { type, data } = eventAt(++log.sent, ids)
        void hub.publish({ type, data }, { topic: path })
      }
    }
  }, TURN)

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    start,
    live: () => live,
    badIds: () => errors.length,
    sent: (client) => logs.get(client)?.sent ?? 0,
    endLog: (client, at) => {
      const log = logs.get(client)
      if (log) log.end = at
    },
    close: async () => {
      clearInterval(timer)
      await hub.close({ within: 0 })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
