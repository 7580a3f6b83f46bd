import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import type { Contender } from '../contender.ts'

export function contender(): Contender {
  const streams = new Set<SSEStreamingApi>()
  const app = new Hono().get('/', (context) =>
    streamSSE(context, async (stream) => {
      streams.add(stream)
      await new Promise<void>((resolve) => stream.onAbort(resolve))
      streams.delete(stream)
    }),
  )
  return {
    async listen() {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    },
    broadcast(data) {
      for (const stream of streams) void stream.writeSSE({ data })
    },
    size: () => streams.size,
  }
}
