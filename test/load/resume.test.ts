import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHub, type Hub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { open } from '../helpers/reader.ts'
import { scaled } from './scale.ts'

const EVENTS = scaled(500, 5000)

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
      hub = createHub({ history: EVENTS })
      server = createServer(listener(hub))
      url = `http://127.0.0.1:${await listen(server)}/`
    })
    afterEach(async () => {
      await hub.close()
      await shut(server)
    })

    /** Reads, is cut off, comes back after its last event, until it has all; what it read, in its order, is the answer. */
    async function life(): Promise<string[]> {
      const log: string[] = []
      let lastEventId: string | undefined
      while (log.length < EVENTS) {
        // A third of the connections last for an event or two: the seam between replay and live is crossed at its worst.
        let left = Math.ceil(Math.random() < 0.3 ? Math.random() * 2 : (Math.random() * EVENTS) / 3)
        attempts++
        const reader = await open(url, {
          lastEventId,
          onEvent(event) {
            // What the socket still holds after the cut is lost to this reader, as it would be to any other.
            if (left === 0) return
            log.push(event.data)
            lastEventId = event.id
            left = log.length === EVENTS ? 0 : left - 1
            if (left === 0) reader?.drop()
          },
          // Who is too slow for the hub is cut off, if need be before it has seen the head, and comes back like any other.
        }).catch(() => undefined)
        await reader?.ended
        await sleep(Math.random() ** 4 * 300)
      }
      return log
    }

    it('every log is complete, in order and without doubles', async () => {
      const lives: Promise<string[]>[] = []
      for (let i = 0; i < readers; i++) {
        lives.push(life())
        if (i % 50 === 0) await sleep(10)
      }
      await expect.poll(() => hub.size, { timeout: 20_000 }).toBe(readers)

      const published: string[] = []
      for (let i = 0; i < EVENTS; i++) {
        published.push(String(i))
        void hub.publish({ data: String(i) })
        // Bursts and pauses: some events share a turn, some arrive in the middle of a resume.
        if (Math.random() < 0.3) await sleep(Math.random() * 8)
      }

      for (const log of await Promise.all(lives)) expect(log).toEqual(published)
      expect(attempts).toBeGreaterThan(readers * 3)
      await expect.poll(() => hub.size).toBe(0)
    }, 600_000)
  },
)
