import { Cluster as IoCluster, Redis } from 'ioredis'
import { createCluster, createSentinel } from 'redis'
import { createCluster as createCluster4 } from 'redis4'
import { createCluster as createCluster5 } from 'redis5'
import { describe, expect, test } from 'vitest'
import type { RedisClient } from '../../src/redis/client.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { createHub } from '../../src/server/index.ts'
import { serve } from '../helpers/serve.ts'
import type { Connected } from './clients.ts'
import { ask, type Cluster, startCluster, startSentinels } from './cluster.ts'
import { during, startReader, testLog, undoing } from './world.ts'

const PATIENT = { timeout: 40_000 }
const undo = undoing()

const CLUSTERS: Record<string, (ports: readonly number[]) => Promise<Connected>> = {
  async 'ioredis 6'(ports) {
    const client = new IoCluster(ports.map((port) => ({ host: '127.0.0.1', port })))
    client.on('error', () => {})
    return { client, leave: () => client.disconnect() }
  },
  async 'node-redis 6'(ports) {
    const client = createCluster({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) })
    client.on('error', () => {})
    await client.connect()
    return { client, leave: () => client.destroy() }
  },
  async 'node-redis 5'(ports) {
    const client = createCluster5({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) })
    client.on('error', () => {})
    await client.connect()
    return { client, leave: () => client.destroy() }
  },
  async 'node-redis 4'(ports) {
    const client = createCluster4({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) })
    client.on('error', () => {})
    await client.connect()
    return { client: client as RedisClient, leave: () => client.disconnect() }
  },
}

/** Two processes, one of which loses its master under load: what comes to the readers of the other. */
async function failover(connectTo: () => Promise<Connected>, kill: (log: string) => Promise<void>, log: string) {
  const [one, two] = await Promise.all(
    [0, 1].map(async () => {
      const { client, leave } = await connectTo()
      undo.push(leave)
      const logs = redisLogs(client, { queue: { within: 30_000 }, onError: () => {} })
      const hub = createHub({ log: logs.open(log, { count: 100_000 }), heartbeat: 500, onError: () => {} })
      undo.push(async () => {
        await hub.close({ within: 0 })
        logs.close()
      })
      return { hub, ...(await serve((request, response) => void hub.handle(request, response))) }
    }),
  )
  if (!one || !two) throw new Error('unreachable')
  const { heard, gaps, states, opened } = startReader(undo, one.url)
  await opened
  const published: Promise<string>[] = []
  const all = Array.from({ length: 300 }, (_, at) => String(at))
  for (const data of all) {
    published.push(
      two.hub.publish({ data }).then(
        () => data,
        () => '',
      ),
    )
    if (data === '100') await kill(log)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const resolved = (await Promise.all(published)).filter(Boolean)
  await expect.poll(() => heard.at(-1), PATIENT).toBe('299')
  return { heard, gaps, states, resolved }
}

/** Each once, in order, and all of them, unless the reader was told. */
function expectWhole({ heard, gaps, states, resolved }: Awaited<ReturnType<typeof failover>>) {
  expect(new Set(heard).size).toBe(heard.length)
  expect(heard).toEqual([...heard].sort((a, b) => Number(a) - Number(b)))
  if (!gaps.length) expect(resolved.filter((each) => !heard.includes(each))).toEqual([])
  expect(resolved.length).toBe(300)
  expect(states).toEqual(['open'])
}

describe('on a Cluster', () => {
  const cluster = during(startCluster)
  describe.each(Object.entries(CLUSTERS))('the log over %s', (_, connectTo) => {
    testLog(
      () => connectTo(cluster().ports),
      async () => {
        for (const port of cluster().ports) if (ask(port, 'ROLE').startsWith('master')) ask(port, 'FLUSHALL')
      },
    )
  })
})

describe.each(['ioredis 6', 'node-redis 6'])('on a Cluster, over %s', (kind) => {
  const cluster = during(startCluster)

  test('a log that moves to another master costs nobody an event', async () => {
    const connectTo = () => (CLUSTERS[kind] as (ports: readonly number[]) => Promise<Connected>)(cluster().ports)
    const move = async (log: string) => cluster().move(entriesOf(cluster(), log))
    const moved = await failover(connectTo, move, 'moving')
    expectWhole(moved)
    expect(moved.gaps).toEqual([])
  })

  test('a master that is killed costs nobody an event in silence', async () => {
    const connectTo = () => (CLUSTERS[kind] as (ports: readonly number[]) => Promise<Connected>)(cluster().ports)
    const kill = (log: string) => cluster().kill(cluster().masterOf(entriesOf(cluster(), log)))
    expectWhole(await failover(connectTo, kill, 'news'))
  })
})

/** The key of a log's entries, wherever it is. */
function entriesOf(cluster: Cluster, log: string): string {
  for (const port of cluster.ports) {
    try {
      const key = ask(port, 'KEYS', `*:${encodeURIComponent(log)}:entries`)
      if (key) return key
    } catch {}
  }
  throw new Error(`${log} is nowhere`)
}

const SENTINELS: Record<string, (port: number) => Promise<Connected>> = {
  async 'ioredis 6'(port) {
    const client = new Redis({ sentinels: [{ host: '127.0.0.1', port }], name: 'mine' })
    client.on('error', () => {})
    return { client, leave: () => client.disconnect() }
  },
  async 'node-redis 6'(port) {
    const client = createSentinel({ name: 'mine', sentinelRootNodes: [{ host: '127.0.0.1', port }] })
    client.on('error', () => {})
    await client.connect()
    return { client: client as unknown as RedisClient, leave: () => client.destroy() }
  },
}

describe.each(Object.entries(SENTINELS))('behind a Sentinel, over %s', (_, connectTo) => {
  const sentinels = during(startSentinels)

  test('a master that is killed costs nobody an event in silence', async () => {
    const kill = () => sentinels().kill(sentinels().master())
    expectWhole(await failover(() => connectTo(sentinels().port), kill, 'news'))
  })
})
