import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { connect } from '../../../src/index.ts'
import { ask } from '../cluster.ts'
import { ON_DISK, startRedis } from '../server.ts'
import { startBalancer } from './balancer.ts'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
/** Where the packages are found that are not built in. */
const built = here(`../../../node_modules/.cache/kill-${process.pid}/`)

/**
 * Each process as one file. One is started in each second: read file by file it takes more than a second of CPU until it
 * serves, so that the test would kill faster than the machine can start, and its clients would be away for minutes.
 */
async function buildProcesses(): Promise<void> {
  await build({
    entryPoints: ['server', 'publisher'].map((name) => here(`${name}.ts`)),
    outdir: built,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
  })
}

const start = (name: string, ...args: string[]): ChildProcess =>
  fork(join(built, `${name}.mjs`), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })

export interface Outcome {
  /** Per client, what it heard. */
  readonly heard: readonly string[][]
  /** What they were told to be lost, and when: second, client, what the server says of it. */
  readonly gaps: readonly string[]
  /** Per publisher, what was taken and what was not. */
  readonly published: Readonly<Record<string, { taken: number[]; rejected: number[] }>>
  readonly kills: number
  readonly reconnects: number
}

/**
 * Four server processes behind a balancer, of which one is killed and replaced each second; 200 clients; two publishers in
 * processes of their own; a Redis that is restarted twice, stands still for five seconds, and loses its connections.
 */
export async function kill(seconds: number, count = 200): Promise<Outcome> {
  await buildProcesses()
  const redis = await startRedis(...ON_DISK)
  const port = String(redis.port)
  const balancer = await startBalancer()
  const servers = new Map<number, ChildProcess>()
  const add = async () => {
    const server = start('server', port)
    const [own] = (await once(server, 'message')) as [number]
    servers.set(own, server)
    balancer.backends.add(own)
  }
  await Promise.all([add(), add(), add(), add()])
  const gaps: string[] = []
  let now = 0
  let reconnects = 0
  const heard: string[][] = []
  const connections = Array.from({ length: count }, (_, client) => {
    const own: string[] = []
    heard.push(own)
    const connection = connect(balancer.url, {
      retry: { base: 50, max: 1000 },
      onGap: (gap) => gaps.push(`second ${now}, client ${client}: ${JSON.stringify(gap)}`),
      onState: ({ state }) => {
        if (state === 'waiting') reconnects++
      },
      onError: () => {},
    })
    connection.on(({ data }) => own.push(data))
    return connection
  })
  await Promise.all(connections.map(({ opened }) => opened))
  const publishers = {
    queued: start('publisher', port, 'queued', 'yes'),
    plain: start('publisher', port, 'plain'),
  }
  const adding = new Set<Promise<void>>()
  let kills = 0
  try {
    for (let second = 1; second <= seconds; second++) {
      await sleep(1000)
      now = second
      const alive = [...servers.keys()]
      const own = alive[Math.floor(Math.random() * alive.length)] as number
      balancer.backends.delete(own)
      servers.get(own)?.kill('SIGKILL')
      servers.delete(own)
      kills++
      adding.add(add())
      const at = second / seconds
      const isNow = (share: number) => at >= share && at - 1 / seconds < share
      if (isNow(0.25) || isNow(0.6)) await redis.restart(undefined, 200)
      if (isNow(0.4)) {
        redis.freeze()
        await sleep(5000)
        redis.thaw()
      }
      if (second % 7 === 0) ask(redis.port, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    }
    const published: Record<string, { taken: number[]; rejected: number[] }> = {}
    for (const [name, publisher] of Object.entries(publishers)) {
      publisher.send('stop')
      ;[published[name]] = (await once(publisher, 'message')) as [{ taken: number[]; rejected: number[] }]
    }
    // Until everybody has the last of each.
    const last = Object.entries(published).map(([name, { taken }]) => `${name} ${taken.at(-1)}`)
    for (let waited = 0; waited < 60_000; waited += 100) {
      if (heard.every((own) => last.every((each) => own.includes(each)))) break
      await sleep(100)
    }
    return { heard, gaps, published, kills, reconnects }
  } finally {
    for (const connection of connections) connection.close()
    await Promise.allSettled(adding)
    for (const child of [...servers.values(), ...Object.values(publishers)]) child.kill('SIGKILL')
    balancer.close()
    await redis.stop()
    rmSync(built, { recursive: true, force: true })
  }
}
