import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createHub, type Hub } from '../../src/server/index.ts'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { now } from '../helpers/mark.ts'
import { open } from '../helpers/reader.ts'
import { type Front, PROXIES, type ProxyName, recipeOf, startProxy } from './proxies.ts'

const names = Object.keys(PROXIES) as ProxyName[]
const wanted = names.filter((name) => wantedEngines().includes(PROXIES[name].engine))

/** What some make of the site where whoever runs it wants everything compressed, and has not read the guide. */
const COMPRESSING: Partial<Record<ProxyName, { why: string; of: (site: string) => string; encoding?: string }>> = {
  nginx: {
    why: 'X-Accel-Buffering alone does it',
    of: (site) =>
      site
        .replace(/proxy_buffering.*\n/, '')
        .replace(/gzip off;.*\n/, 'gzip on; gzip_types text/event-stream; gzip_proxied any;\n'),
    encoding: 'gzip',
  },
  apache: {
    why: 'what it compresses is flushed',
    of: (site) => site.replace(/SetEnvIf.*\n/, ''),
    encoding: 'gzip',
  },
  caddy: {
    why: 'it knows streams of events by their type, and `no-transform`',
    of: (site) => site.replace('reverse_proxy', 'encode gzip\n\treverse_proxy'),
  },
}

// Without one of them its tests fail, and say how to get it; UNMISSED_ENGINES leaves it out on purpose.
describe.each(wanted)('behind %s', (name) => {
  let site: string
  let hub: Hub
  let server: Server
  let port: number
  const running: Front[] = []

  beforeAll(async () => {
    site = await recipeOf(name)
    hub = createHub({ heartbeat: 300, history: 100_000 })
    server = createServer((request, response) => hub.handle(request, response))
    port = await listen(server)
  })
  afterEach(async () => {
    for (const proxy of running.splice(0)) await proxy.stop()
  })
  afterAll(async () => {
    await hub.close()
    await shut(server)
  })

  async function front(configuration = site): Promise<{ proxy: Front; url: string }> {
    const proxy = await startProxy(name, configuration, port)
    running.push(proxy)
    return { proxy, url: `http://127.0.0.1:${proxy.port}/events` }
  }

  /** Sends the next event only when the last one was read: whoever holds one back is found out, however fast the machine. */
  async function oneByOne(url: string, count: number, headers = {}): Promise<number[]> {
    const reader = await open(url, { headers })
    const times: number[] = []
    for (let i = 1; i <= count; i++) {
      const sent = now()
      await hub.publish({ data: String(i) })
      const events = await reader.until(i)
      expect(events.at(-1)?.data).toBe(String(i))
      times.push((now() - sent) / 1000)
    }
    reader.drop()
    return times
  }

  const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN

  it('every event passes at once with the documented configuration', async () => {
    const { url } = await front()
    const direct = median(await oneByOne(`http://127.0.0.1:${port}/events`, 200))
    const proxied = median(await oneByOne(url, 200))
    // A proxy that waits for more to come would add its timer or a full buffer, not a few hops of the loopback.
    expect(proxied).toBeLessThan(direct * 10 + 10)
  })

  const compressing = COMPRESSING[name]
  if (compressing)
    it(`every event passes at once, even where the site compresses: ${compressing.why}`, async () => {
      const { url } = await front(compressing.of(site))
      const headers = { 'accept-encoding': 'gzip' }
      const reader = await open(url, { headers })
      expect(reader.headers['content-encoding']).toBe(compressing.encoding)
      reader.drop()
      expect(await oneByOne(url, 50, headers)).toHaveLength(50)
    })

  if (name === 'haproxy') {
    it('holds each event back for a fifth of a second without its option', async () => {
      const { url } = await front(site.replace(/option http-no-delay.*\n/, ''))
      expect(median(await oneByOne(url, 10))).toBeGreaterThan(100)
    })
  }

  it('the hub learns that a reader behind it has left', async () => {
    const { url } = await front()
    const reader = await open(url)
    await expect.poll(() => hub.size).toBe(1)
    reader.drop()
    await expect.poll(() => hub.size).toBe(0)
  })

  it('heartbeats keep a quiet stream open longer than the proxy waits', async () => {
    const { url } = await front(site.replace(/60s/g, '1s').replace('timeout=60', 'timeout=1'))
    const reader = await open(url)
    await sleep(2500)
    await hub.publish({ data: 'still here' })
    expect((await reader.until(1))[0]?.data).toBe('still here')
    reader.drop()
  })

  it('readers reconnect through reloads and miss nothing', async () => {
    const { proxy, url } = await front()
    const logs = Array.from({ length: 20 }, (): string[] => [])
    let attempts = 0
    const readers = logs.map(async (log) => {
      let lastEventId: string | undefined
      while (log.at(-1) !== 'last') {
        attempts++
        const reader = await open(url, {
          lastEventId,
          onEvent(event) {
            log.push(event.data)
            lastEventId = event.id
            if (event.data === 'last') reader?.drop()
          },
          // A server that reloads may hang up on whom it has not answered yet. Who comes back asks again.
        }).catch(() => sleep(20))
        await reader?.ended
      }
    })
    await expect.poll(() => hub.size).toBe(20)
    const sent: string[] = []
    for (let i = 0; i < 300; i++) {
      if (i === 50 || i === 180) proxy.reload()
      sent.push(String(i))
      await hub.publish({ data: String(i) })
      await sleep(10)
    }
    await expect.poll(() => logs.every((log) => log.length === 300), { timeout: 20_000 }).toBe(true)
    await hub.publish({ data: 'last' })
    await Promise.all(readers)
    for (const log of logs) expect(log).toEqual([...sent, 'last'])
    // Where each reload ends every connection of before, each reader came back at least once.
    if ('keeps' in PROXIES[name]) expect(attempts).toBe(20)
    else expect(attempts).toBeGreaterThanOrEqual(40)
  })
})
