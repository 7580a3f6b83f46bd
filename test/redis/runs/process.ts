import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { redisLogs } from '../../../src/redis/index.ts'
import { createRuns, type Production } from '../../../src/server/index.ts'
import { serve } from '../../helpers/child.ts'

// A process that has runs, on the Redis of this port, and serves them: node process.ts <port> [<takes over: yes>].

const [, , port, takesOver] = process.argv
const client = new Redis(Number(port), '127.0.0.1')
const errors: string[] = []
const taken: string[] = []
client.on('error', () => {})

/** Counts, a number every few milliseconds. */
const counting =
  (from: number, to: number, pause: number) =>
  async ({ send }: Production) => {
    for (let n = from; n < to; n++) {
      await send(String(n))
      if (pause) await sleep(pause)
    }
    return to
  }

const runs = createRuns({
  authorize: 'anyone',
  logs: redisLogs(client, { queue: {}, onError: (error) => errors.push(String(error)) }),
  onError: (error) => errors.push(String(error)),
  ...(takesOver === 'yes' && {
    onLost: ({ id }) => {
      taken.push(id)
      return ({ send }: Production) => send('taken over')
    },
  }),
})
const server = createServer((request, response) => void runs.handle(request, response, (request.url ?? '').slice(1)))

const methods = {
  listen: () =>
    new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    ),
  start: async (id: string, to: number, pause: number) => (await runs.start(id, counting(0, to, pause))).isNew,
  /** Starts so many, one after the other; which of them were new. */
  startAll: async (count: number) => {
    const made: boolean[] = []
    for (let n = 0; n < count; n++) made.push((await runs.start(`race ${n}`, () => {})).isNew)
    return made
  },
  stop: (id: string) => runs.stop(id, 'enough'),
  state: async (id: string) => (await runs.get(id))?.state,
  list: () => runs.list(),
  errors: () => errors,
  taken: () => taken,
  close: () => runs.close({ within: 0 }),
}

export type RunsProcess = typeof methods
serve(methods)
