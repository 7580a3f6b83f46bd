import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { redisLogs } from '../../src/redis/redis.ts'
import { createHub, createPublisher } from '../../src/server/index.ts'
import { freePort } from '../helpers/listen.ts'
import { recipeOf, startProxy } from '../recipes/proxies.ts'
import { startRedis } from './server.ts'
import { during, startReader, undoing } from './world.ts'

// The recipes of the guide, as they stand there, each in processes of its own.

const PATIENT = { timeout: 30_000 }
const loader = fileURLToPath(new URL('../helpers/typescript.mjs', import.meta.url))
const redis = during(startRedis)
const undo = undoing()
let client: Redis

beforeAll(() => {
  client = new Redis(redis().port, '127.0.0.1')
})
afterAll(() => client.disconnect())
afterEach(() => client.flushall())

async function start(name: string, port?: number): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(`../recipes/${name}`, import.meta.url)), [], {
    execArgv: ['--import', loader],
    env: { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis().port}`, PORT: String(port) },
  })
  undo.push(() => child.kill('SIGKILL'))
  if (port) {
    await expect
      .poll(
        () =>
          fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' }).then(
            ({ ok }) => ok,
            () => false,
          ),
        PATIENT,
      )
      .toBe(true)
  }
  return child
}

const read = (url: string, headers = {}) => startReader(undo, url, { headers, retry: { base: 20, max: 500 } })

function publisher() {
  const logs = redisLogs(client)
  undo.push(() => logs.close())
  return createPublisher(logs.open('news', { count: 100_000 }))
}

test('two processes behind nginx are restarted one after the other, and no reader misses anything', async () => {
  const ports = [await freePort(), await freePort()] as const
  const servers = [await start('redis-server.ts', ports[0]), await start('redis-server.ts', ports[1])]
  const site = await recipeOf('nginx')
  // Else nginx leaves out for ten seconds whoever did not answer once: in the end, both.
  const upstream = `server 127.0.0.1:3000 max_fails=0;\n  server 127.0.0.1:${ports[1]} max_fails=0;`
  const both = site.replace('server 127.0.0.1:3000;', upstream)
  const nginx = await startProxy('nginx', both, ports[0])
  undo.push(nginx.stop)
  const readers = Array.from({ length: 10 }, () => read(`http://127.0.0.1:${nginx.port}/events`))
  await Promise.all(readers.map(({ opened }) => opened))
  const { publish } = publisher()
  const all: string[] = []
  let isOver = false
  const publishing = (async () => {
    for (let at = 0; !isOver; at++) {
      await publish({ data: String(at) })
      all.push(String(at))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  for (const [at, port] of ports.entries()) {
    const old = servers[at] as ChildProcess
    old.kill('SIGTERM')
    await once(old, 'exit')
    expect(old.exitCode).toBe(0)
    await start('redis-server.ts', port)
  }
  isOver = true
  await publishing
  await expect.poll(() => readers.map(({ heard }) => heard.length), PATIENT).toEqual(readers.map(() => all.length))
  for (const { heard, gaps } of readers) expect([heard, gaps]).toEqual([all, []])
})

test('workers of Node’s cluster are one hub, and one that dies costs its readers nothing', async () => {
  const port = await freePort()
  const primary = await start('redis-workers.ts', port)
  const readers = Array.from({ length: 6 }, () => read(`http://127.0.0.1:${port}/`))
  await Promise.all(readers.map(({ opened }) => opened))
  const { publish } = publisher()
  await publish({ data: 'a' })
  await expect.poll(() => readers.map(({ heard }) => heard), PATIENT).toEqual(readers.map(() => ['a']))
  // The connections to Redis of all workers are cut: as if each had to begin anew.
  await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await publish({ data: 'b' })
  await expect.poll(() => readers.map(({ heard }) => heard), PATIENT).toEqual(readers.map(() => ['a', 'b']))
  const [worker] = childrenOf(primary.pid as number)
  globalThis.process.kill(worker as number, 'SIGKILL')
  await publish({ data: 'c' })
  await expect.poll(() => readers.map(({ heard }) => heard), PATIENT).toEqual(readers.map(() => ['a', 'b', 'c']))
  expect(readers.flatMap(({ gaps }) => gaps)).toEqual([])
  // Another one has come in its place.
  await expect
    .poll(() => childrenOf(primary.pid as number).filter((pid) => pid !== worker).length, PATIENT)
    .toBe(availableParallelism())
})

/** The processes that another has started, as Linux lists them. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

test('a worker of a queue tells the readers of a server how far it is', async () => {
  await start('redis-job.ts')
  const logs = redisLogs(client)
  const hub = createHub({ log: logs.open('news'), authorize: (request) => ({ user: request.header('x-user') ?? '' }) })
  undo.push(async () => {
    await hub.close({ within: 0 })
    logs.close()
  })
  const server = createServer(hub.handle).listen(0)
  undo.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
  const [anna, ben] = [read(url, { 'x-user': 'anna' }), read(url, { 'x-user': 'ben' })]
  await Promise.all([anna.opened, ben.opened])
  await client.rpush('jobs', JSON.stringify({ id: 7, user: 'anna' }))
  await expect.poll(() => anna.heard.map((data) => JSON.parse(data).percent), PATIENT).toEqual([25, 50, 75, 100])
  expect(ben.heard).toEqual([])
})

test('a function publishes and ends, and leaves no connection', async () => {
  const before = process.env['REDIS_URL']
  process.env['REDIS_URL'] = `redis://127.0.0.1:${redis().port}`
  undo.push(() => {
    if (before === undefined) delete process.env['REDIS_URL']
    else process.env['REDIS_URL'] = before
  })
  const { POST } = await import('../recipes/redis-function.ts')
  const count = async () =>
    String(await client.client('LIST'))
      .trim()
      .split('\n').length
  const connections = await count()
  const response = await POST(new Request('http://x/', { method: 'POST', body: '{"a":1}' }))
  expect((await response.json()).id).toMatch(/\.1$/)
  await expect.poll(count, PATIENT).toBe(connections)
})
