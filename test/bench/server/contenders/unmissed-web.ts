import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { createHub } from '../../../../src/server/index.ts'
import type { Contender } from '../contender.ts'

/** The same hub behind `Request` and `Response`, brought to Node by the adapter that Hono's users have. */
export function contender(): Contender {
  const hub = createHub()
  return {
    async listen() {
      const server = serve({ fetch: (request) => hub.fetch(request), port: 0, hostname: '127.0.0.1' })
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    },
    broadcast: (data) => void hub.publish({ data }),
    size: () => hub.size,
  }
}
