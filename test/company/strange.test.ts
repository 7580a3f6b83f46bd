import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type ConnectOptions, connect } from '../../src/index.ts'
import { createHub } from '../../src/server/index.ts'
import { root } from '../docs/snippets.ts'
import { listen, shut } from '../helpers/listen.ts'
import { type Packed, pack } from '../package/packed.ts'
import { startCutter } from './cutter.ts'
import { install, serve, start } from './project.ts'

// Both ends of ours beside the other end of others, as their users install them, through a wire that is cut again and again.
// What came of it is the table of src/protocol/README.md.

const PACKAGES = {
  '@fastify/sse': '0.6.0',
  '@hono/node-server': '2.1.9',
  '@microsoft/fetch-event-source': '2.0.1',
  '@nestjs/common': '11.2.10',
  '@nestjs/core': '11.2.10',
  '@nestjs/platform-express': '11.2.10',
  '@trpc/server': '11.25.2',
  'better-sse': '0.16.1',
  eventsource: '4.1.1',
  'eventsource-5': 'npm:eventsource@5.1.5',
  'eventsource-client': '1.2.0',
  fastify: '5.12.8',
  graphql: '16.15.0',
  'graphql-sse': '2.6.1',
  h3: '2.0.8',
  hono: '4.13.19',
  'launchdarkly-eventsource': '2.2.0',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
}
const LAST = 300
const CUTS = 8
const all = Array.from({ length: LAST }, (_, n) => n + 1)

/** A program of another, as it is started. */
interface Way {
  /** The command, in the folder of the project; Node's own where it is a file. */
  readonly command: (port: number) => readonly [command: string, ...args: string[]]
  readonly version: () => string
  /** Made ready once the server answers. */
  readonly fill?: (port: number) => Promise<void>
  readonly path?: string
  /** Where there are no ids it is read once, without a cut. */
  readonly cuts?: 0
  /** The number that an event is, where its data is not just that. */
  readonly number?: (data: string) => number
  readonly options?: ConnectOptions
}

let packed: Packed
let folder: string
const strange = join(root, 'test/company/strange')
const found: Record<
  'reads' | 'isRead',
  { name: string; version: string; cuts: number; lost: number; twice: number }[]
> = {
  reads: [],
  isRead: [],
}

beforeAll(() => {
  packed = pack()
  folder = install(packed, 'strange', PACKAGES)
  cpSync(strange, folder, { recursive: true })
})
afterAll(() => {
  packed.remove()
  const isWhole = found.reads.length === Object.keys(servers).length && found.isRead.length === readers.length
  if (isWhole) writeFileSync(join(root, 'test/company/results.json'), `${JSON.stringify(found, undefined, 2)}\n`)
})

const node = (file: string, name: keyof typeof PACKAGES, ...args: string[]) => ({
  command: () => [process.execPath, file, ...args] as const,
  version: () => PACKAGES[name].replace(/^.*@/, ''),
})
const says = (command: string, ...args: string[]) => {
  return /\d+\.\d+(\.\d+)?/.exec(execFileSync(command, args, { encoding: 'utf8' }))?.[0] ?? ''
}
const go = () => says('go', 'version')
const python = (module: string) => () =>
  says('/usr/bin/python3', '-c', `import ${module}; print(${module}.__version__)`)

const servers: Record<string, Way> = {
  'NestJS `@Sse`': node('nest.mjs', '@nestjs/core'),
  'tRPC, `tracked`': { ...node('trpc.mjs', '@trpc/server'), options: { until: ({ type }) => type === 'return' } },
  'graphql-sse': {
    ...node('graphql-sse.mjs', 'graphql-sse'),
    path: '/?query=subscription{n}',
    cuts: 0,
    number: (data) => JSON.parse(data).data.n,
    options: { until: ({ type }) => type === 'complete' },
  },
  Hono: node('hono.mjs', 'hono'),
  h3: node('h3.mjs', 'h3'),
  'better-sse': node('better-sse.mjs', 'better-sse'),
  '@fastify/sse': node('fastify.mjs', '@fastify/sse'),
  aiohttp: { command: () => ['/usr/bin/python3', 'aiohttp_server.py'], version: python('aiohttp') },
  'Starlette on uvicorn': { command: () => ['/usr/bin/python3', 'starlette_server.py'], version: python('starlette') },
  'Go, `net/http`': { command: () => [built('server.go')], version: go },
  nchan: {
    command(port) {
      const file = join(folder, 'nchan.conf')
      writeFileSync(file, readFileSync(file, 'utf8').replace('PORT', `${port}`))
      return ['/usr/sbin/nginx', '-p', folder, '-c', file, '-e', 'stderr']
    },
    version: () => says('dpkg-query', '-W', '-f', '$'.concat('{Version}'), 'libnginx-mod-nchan'),
    async fill(port) {
      for (const n of all) await fetch(`http://127.0.0.1:${port}/publish`, { method: 'POST', body: `${n}` })
    },
  },
}

const built = (file: string) => {
  execFileSync('go', ['build', '-o', 'built', file], { cwd: folder })
  return join(folder, 'built')
}

/** They lose an event that is cut in two: they take its id, and nobody has its data. What they lose is in the table. */
const LOSERS = ['@microsoft/fetch-event-source']

const cutter = async (port: number, most: number) => {
  const between = await startCutter(port, most)
  onTestFinished(() => between.close())
  return between
}

function judge(numbers: readonly number[]): { lost: number; twice: number } {
  const lost = all.filter((n) => !numbers.includes(n)).length
  return { lost, twice: numbers.length - new Set(numbers).size }
}

test.each(Object.entries(servers))('our client reads %s whole and once', async (name, way) => {
  const port = Number(new URL(await serve(folder, way.command)).port)
  await way.fill?.(port)
  const most = way.cuts ?? CUTS
  const between = await cutter(port, most)
  const connection = connect(`http://127.0.0.1:${between.port}${way.path ?? '/events'}`, {
    retry: { base: 10, longest: 50 },
    ...way.options,
  })
  const numbers: number[] = []
  for await (const { type, data } of connection) {
    if (type !== 'message' && type !== 'next') continue
    numbers.push(way.number?.(String(data)) ?? Number(data))
    if (numbers.at(-1) === LAST) break
  }
  expect([numbers, between.cuts]).toEqual([all, most])
  found.reads.push({ name, version: way.version(), cuts: between.cuts, ...judge(numbers) })
})

const clients = [
  'eventsource',
  'eventsource-5',
  'eventsource-client',
  '@microsoft/fetch-event-source',
  'launchdarkly-eventsource',
] as const
const readers: [name: string, Pick<Way, 'command' | 'version'>][] = [
  ...clients.map((name) => [name.replace('-5', ''), node('reader.mjs', name, name)] satisfies (typeof readers)[number]),
  ['Go, by hand', { command: () => [built('reader.go')], version: go }],
]

test.each(readers)('our server is read by %s over cuts', async (name, way) => {
  const hub = createHub({ history: 1000, retry: 20 })
  const server = createServer((request, response) => hub.handle(request, response))
  const port = await listen(server)
  onTestFinished(async () => {
    await hub.close()
    await shut(server)
  })
  const between = await cutter(port, CUTS)
  const child = start(folder, [...way.command(0), `http://127.0.0.1:${between.port}/`])
  child.stderr?.pipe(process.stderr)
  let said = ''
  child.stdout?.on('data', (text: Buffer) => {
    said += text
  })
  const heard = () => said.trim().split('\n').map(Number)
  await expect.poll(() => hub.size, { timeout: 20_000 }).toBe(1)
  for (const n of all) {
    await hub.publish({ data: n })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await expect.poll(() => heard().at(-1), { timeout: 30_000 }).toBe(LAST)
  expect(between.cuts).toBe(CUTS)
  if (!LOSERS.includes(name)) expect(heard()).toEqual(all)
  found.isRead.push({ name, version: way.version(), cuts: between.cuts, ...judge(heard()) })
})
