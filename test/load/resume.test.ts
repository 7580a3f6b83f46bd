import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHub, type Hub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { open } from '../helpers/reader.ts'
import { scaled } from './scale.ts'

const EVENTS = scaled(600, 5000)
/** In the log before anybody reads: more than a replay reads from it at a time. */
const BEFORE = 300
const LAST = 'the last one'

const paths = [
  { path: 'Node responses', readers: 1000, listener: (hub: Hub): RequestListener => hub.handle },
  // A tenth of the work of the others: what differs is only what carries the bytes.
  {
    path: 'web responses',
    readers: scaled(200, 1000),
    listener: (hub: Hub) => getRequestListener((request) => hub.fetch(request)),
  },
]

describe.each(paths)(
  `$readers readers of $path that come and go while ${EVENTS} events are published`,
  ({ readers, listener }) => {
    let hub: Hub
    let server: Server
    let url: string
    let attempts: number

    beforeEach(async () => {
      attempts = 0
      hub = createHub({ history: EVENTS * 2 })
      server = createServer(listener(hub))
      url = `http://127.0.0.1:${await listen(server)}/`
    })
    afterEach(async () => {
      await hub.close()
      await shut(server)
    })

    /** Reads, is cut off, comes back after its last event, until it has all; what it read, in its order, is the answer. */
    async function life(beginning: string, onEvent: () => void): Promise<string[]> {
      const log: string[] = []
      let lastEventId = beginning
      while (log.at(-1) !== LAST) {
        // An event or two, so that the seam between replay and live is crossed at its worst; or some; or all that there are.
        let left =
          1 + Math.floor(Math.random() * ([2, EVENTS / 3, EVENTS * 3][Math.floor(Math.random() * 3)] as number))
        attempts++
        const reader = await open(url, {
          lastEventId,
          onEvent(event) {
            // What the socket still holds after the cut is lost to this reader, as it would be to any other.
            if (left === 0) return
            log.push(event.data)
            lastEventId = event.id
            left = event.data === LAST ? 0 : left - 1
            if (left === 0) reader?.drop()
            onEvent()
          },
          // Who is too slow for the hub is cut off, if need be before it has seen the head, and comes back like any other.
        }).catch(() => undefined)
        await reader?.ended
        await sleep(Math.random() ** 4 * 300)
      }
      return log
    }

    it('every log is complete, in order and without doubles', async () => {
      const published: string[] = []
      const publish = (data = String(published.length)) => {
        published.push(data)
        return hub.publish({ data })
      }
      const { id: beginning } = await hub.publish({ data: 'the beginning' })
      while (published.length < BEFORE) void publish()

      // Half of it from timers, half from where sockets are read: between the two a hub's turn is anywhere in its work.
      const now = () => published.length < EVENTS && Math.random() < 0.002 && void publish()
      const lives = Array.from({ length: readers }, () => sleep(Math.random() * 3000).then(() => life(beginning, now)))
      while (published.length < EVENTS) {
        for (let i = Math.random() * 4; i > 0; i--) void publish()
        await sleep(Math.random() * 60)
      }
      await publish(LAST)

      for (const log of await Promise.all(lives)) expect(log).toEqual(published)
      expect(attempts).toBeGreaterThan(readers * 3)
      await expect.poll(() => hub.size).toBe(0)
    }, 600_000)
  },
)
