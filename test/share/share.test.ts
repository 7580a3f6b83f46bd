import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Connection, type ConnectOptions, connect } from '../../src/index.ts'
import { createHub, type Hub, type HubOptions } from '../../src/server/index.ts'
import { type SharedOptions, shared } from '../../src/share/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { Locks } from '../helpers/locks.ts'

// One connection for all who share it: over real HTTP and a real BroadcastChannel; only the locks are a stand-in, because
// not every Node has them. What is true of real tabs is asked of real browsers.

const undo: Array<() => unknown> = []
let locks: Locks
beforeEach(() => {
  locks = new Locks()
  vi.stubGlobal('navigator', { locks })
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  vi.unstubAllGlobals()
})

async function until(condition: () => boolean, milliseconds = 5000) {
  const end = performance.now() + milliseconds
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${condition}`)
    await sleep(2)
  }
}

async function serve(options: HubOptions = {}) {
  const hub: Hub = createHub(options)
  const asked: { url: string; lastEventId: string | undefined }[] = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', lastEventId: request.headers['last-event-id'] as string | undefined })
    void hub.handle(request, response)
  })
  const url = `http://127.0.0.1:${await listen(server)}/`
  undo.push(
    () => shut(server),
    () => hub.close({ within: 0 }),
  )
  return { hub, url, asked }
}

interface Tab {
  readonly connection: Connection
  readonly heard: string[]
  readonly gaps: unknown[]
}

let names = 0
function open(url: string, options: ConnectOptions & { sharing?: SharedOptions; name?: string } = {}): Tab {
  const { sharing, name = `name ${names}`, ...rest } = options
  const heard: string[] = []
  const gaps: unknown[] = []
  const connection = connect(url, {
    retry: { base: 20, max: 50 },
    onGap: (gap) => gaps.push(gap),
    ...(rest as object),
    share: shared(name, { heartbeat: 200, ...sharing }),
  })
  connection.on(({ data }) => heard.push(data))
  undo.push(() => connection.close())
  return { connection, heard, gaps }
}

async function openAll(count: number, url: string, options: Parameters<typeof open>[1] = {}): Promise<Tab[]> {
  const tabs: Tab[] = []
  for (let n = 0; n < count; n++) {
    tabs.push(open(url, options))
    await tabs[n]?.connection.opened
  }
  return tabs
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => String(from + n))
beforeEach(() => {
  names++
})

describe('a shared connection', () => {
  test('is one, whoever shares it, and each hears every event once and in order', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(10, url)
    expect(hub.size).toBe(1)
    for (const n of numbers(1, 50)) await hub.publish({ data: n })
    await until(() => tabs.every(({ heard }) => heard.length === 50))
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(10).fill(numbers(1, 50)))
    expect(new Set(tabs.map(({ connection }) => connection.lastEventId)).size).toBe(1)
    expect(tabs.map(({ connection }) => connection.state)).toEqual(Array(10).fill('open'))
  })

  test('goes on without a loss when its leader leaves, in the middle of a stream, each time', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(6, url)
    let published = 0
    const timer = setInterval(() => void hub.publish({ data: String(++published) }), 2)
    for (let n = 0; n < 5; n++) {
      await sleep(60)
      tabs[n]?.connection.close()
    }
    await sleep(60)
    clearInterval(timer)
    const last = tabs[5] as Tab
    await until(() => last.heard.length === published)
    expect(last.heard).toEqual(numbers(1, published))
    expect(last.gaps).toEqual([])
    expect(hub.size).toBe(1)
  })

  test('ends with the last one', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url)
    tabs[1]?.connection.close()
    tabs[0]?.connection.close()
    await until(() => hub.size === 1)
    await sleep(50)
    expect(hub.size).toBe(1)
    tabs[2]?.connection.close()
    await until(() => hub.size === 0)
  })
})
