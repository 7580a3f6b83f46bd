import { createServer } from 'node:http'
import { createHub } from '../../../../src/server/index.ts'
import { listen } from '../../../helpers/listen.ts'
import type { Contender } from '../contender.ts'

/** Ours as it comes: history, ids and heartbeats on. */
export function contender(): Contender {
  const hub = createHub()
  const server = createServer((request, response) => hub.handle(request, response))
  return {
    listen: () => listen(server),
    broadcast: (data) => void hub.publish({ data }),
    size: () => hub.size,
  }
}
