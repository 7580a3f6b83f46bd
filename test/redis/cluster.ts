import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { engine } from '../engines.js'
import { freePort } from '../helpers/listen.ts'
import { run } from './server.ts'

/** Asks one server something. */
export function ask(port: number, ...args: string[]): string {
  return execFileSync(engine('redis', 'redis-cli'), ['-p', String(port), ...args], { encoding: 'utf8' }).trim()
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const began = Date.now(); !isSo(); await sleep(50)) {
    if (Date.now() - began > 30_000) throw new Error(`${what}: not within 30 s`)
  }
}

export interface Cluster {
  readonly ports: readonly number[]
  /** The port of the master that has a key now. */
  masterOf(key: string): number
  /** Moves the slot of a key to another master. */
  move(key: string): void
  kill(port: number): Promise<void>
  stop(): Promise<void>
}

/** A Redis Cluster of three masters, each with a replica. */
export async function startCluster(): Promise<Cluster> {
  const ports: number[] = []
  // The bus of a node is 10000 above its port.
  while (ports.length < 6) {
    const port = await freePort()
    if (port < 50_000 && !ports.includes(port)) ports.push(port)
  }
  const nodes = await Promise.all(
    ports.map(async (port) => {
      const folder = mkdtempSync(join(tmpdir(), 'unmissed-cluster-'))
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
      const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--repl-diskless-sync-delay', '0']
      return { port, folder, ...(await run([...args, ...cluster])) }
    }),
  )
  const hosts = ports.map((port) => `127.0.0.1:${port}`)
  ask(ports[0] as number, '--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes')
  const isReady = () => ports.every((port) => ask(port, 'CLUSTER', 'INFO').includes('cluster_state:ok'))
  const replicated = () =>
    ports.filter((port) => ask(port, 'INFO', 'replication').includes('master_link_status:up')).length === 3
  await until(() => isReady() && replicated(), 'the cluster is ready')
  const alive = new Set(ports)
  const cluster: Cluster = {
    ports,
    masterOf(key) {
      const slot = Number(ask([...alive][0] as number, 'CLUSTER', 'KEYSLOT', key))
      for (const line of ask([...alive][0] as number, 'CLUSTER', 'NODES').split('\n')) {
        const [, address = '', flags = '', , , , , , ...slots] = line.split(' ')
        if (!flags.includes('master') || flags.includes('fail')) continue
        const isThere = slots.some((range) => {
          const [from = Number.NaN, to = from] = range.split('-').map(Number)
          return slot >= from && slot <= to
        })
        if (isThere) return Number(/:(\d+)@/.exec(address)?.[1])
      }
      throw new Error(`nobody has ${key}`)
    },
    move(key) {
      const from = cluster.masterOf(key)
      const to = ports.find((port) => port !== from && ask(port, 'ROLE').startsWith('master')) as number
      const slot = ask(from, 'CLUSTER', 'KEYSLOT', key)
      const id = (port: number) => ask(port, 'CLUSTER', 'MYID')
      ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', id(from))
      ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', id(to))
      for (;;) {
        const keys = ask(from, 'CLUSTER', 'GETKEYSINSLOT', slot, '100').split('\n').filter(Boolean)
        if (!keys.length) break
        ask(from, 'MIGRATE', '127.0.0.1', String(to), '', '0', '5000', 'KEYS', ...keys)
      }
      for (const port of [to, from]) ask(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', id(to))
    },
    async kill(port) {
      const node = nodes.find((each) => each.port === port)
      node?.child.kill('SIGKILL')
      alive.delete(port)
      await node?.left
    },
    async stop() {
      for (const { child, left, folder } of nodes) {
        child.kill('SIGKILL')
        await left
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
  return cluster
}

export interface Sentinels {
  /** Where the sentinel answers. */
  readonly port: number
  /** The master's port now. */
  master(): number
  kill(port: number): Promise<void>
  stop(): Promise<void>
}

/** A master, a replica, and a Sentinel that watches them. */
export async function startSentinels(): Promise<Sentinels> {
  const [master, replica, sentinel] = [await freePort(), await freePort(), await freePort()]
  const folders: string[] = []
  const start = async (port: number, ...more: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'unmissed-sentinel-'))
    folders.push(folder)
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '']
    return { port, ...(await run([...args, '--repl-diskless-sync-delay', '0', ...more])) }
  }
  const nodes = [await start(master), await start(replica, '--replicaof', `127.0.0.1 ${master}`)]
  await until(() => ask(replica, 'INFO', 'replication').includes('master_link_status:up'), 'the replica is there')
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-sentinel-'))
  folders.push(folder)
  const settings = [
    `port ${sentinel}`,
    'bind 127.0.0.1',
    `sentinel monitor mine 127.0.0.1 ${master} 1`,
    'sentinel down-after-milliseconds mine 500',
    'sentinel failover-timeout mine 3000',
  ]
  writeFileSync(join(folder, 'sentinel.conf'), settings.join('\n'))
  const watcher = await run([join(folder, 'sentinel.conf'), '--sentinel'], 'Sentinel ID is')
  await until(() => ask(sentinel, 'SENTINEL', 'REPLICAS', 'mine').includes(String(replica)), 'the replica is known')
  return {
    port: sentinel,
    master: () => Number(ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mine').split('\n')[1]),
    async kill(port) {
      const node = nodes.find((each) => each.port === port)
      node?.child.kill('SIGKILL')
      await node?.left
    },
    async stop() {
      for (const { child, left } of [watcher, ...nodes]) {
        child.kill('SIGKILL')
        await left
      }
      for (const each of folders) rmSync(each, { recursive: true, force: true })
    },
  }
}
