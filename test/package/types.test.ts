import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../docs/snippets.ts'
import { HOME } from '../engines.js'
import { type Packed, pack, unpack, write } from './packed.ts'

// What a user's compiler says of our declarations, from the tarball, with `skipLibCheck` off. Only what it says of others' is
// passed over: React's and Vue's need newer compilers, and a DOM.

const TYPESCRIPT = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6.0', '7.0']
const NODE_TYPES = ['20', '22', '24', '25', '26']
const DOM = 'ES2022,DOM,DOM.Iterable'
const NO_DOM = 'ES2022'

const USE = `
import { ConnectError, connect, createParser, encode, EventDecoderStream, storage, events, type ServerSentEvent } from 'unmissed'
import { accept, createHub, createRuns, adminHandler, type Outcome } from 'unmissed/server'
import { EventSource } from 'unmissed/eventsource'
import 'unmissed/eventsource/polyfill'
import { fetchEventSource } from 'unmissed/compat/fetch-event-source'
import { createResumableStreamContext } from 'unmissed/compat/resumable-stream'
import { shared, type Share, type ShareOptions } from 'unmissed/share'
import { createMockServer } from 'unmissed/testing'
import { onTrace } from 'unmissed/debug'
import { logCases } from 'unmissed/log-suite'
import { redisLogs, type RedisClient } from 'unmissed/redis'
import { useEventStream } from 'unmissed/react'
import { useEventStream as useInVue } from 'unmissed/vue'
import { eventStream } from 'unmissed/svelte'
import { EventStream } from 'unmissed/svelte/runes'
import { createEventStream } from 'unmissed/solid'

interface Tick { price: number }
export const logOf = (client: RedisClient) => redisLogs(client, { queue: { within: 1000 } }).open('news', { count: 10 })
export const connection = connect<{ tick: Tick }>('https://a.test', {
  parse: 'json',
  headers: () => ({ authorization: 'Bearer' }),
  credentials: 'include',
  onError: (error: ConnectError) => error.code === 'status' && error.headers?.get('retry-after'),
})
connection.on('tick', ({ data }) => data.price.toFixed(2))
const sharing: ShareOptions = { scope: 'me', whole: true, heartbeat: 1000 }
export const feed: Share = shared('feed', sharing)
connect<{ tick: Tick }>('https://a.test', { parse: 'json', share: feed }).on('tick', ({ data }) => data.price.toFixed(2))
export async function read(response: Response): Promise<number> {
  for await (const { data } of events(response)) if (data) return data.length
  for await (const { data } of connection) return data.price
  const { value, done } = await connection.iterate('tick').next()
  return done ? 0 : value.data.price
}
const source = new EventSource('https://a.test', { headers: { a: 'b' } })
source.addEventListener('tick', (event) => event.data.length)
source.onmessage = (event) => event.data
const hub = createHub<{ tick: Tick }>({ history: 10 })
export const id = hub.publish({ type: 'tick', data: { price: 1 } }).then(({ id }) => id.length)
export const GET = (request: Request): Promise<Response> => hub.fetch(request, { topics: ['news'] })
const runs = createRuns({ authorize: (request, run) => request.header('x-user') === run.owner, keep: 1000 })
export const run = runs.start('a', async ({ send, signal }) => signal.aborted || (await send({ type: 'token', data: 'a' })).id, { owner: 'me' })
export const ended: Promise<Outcome> = runs.start('b', async function* () { yield 'a' }).then(({ outcome }) => outcome)
export const readRun = (request: Request): Promise<Response> => runs.fetch(request, 'a', { outcome: false })
export const streams = createResumableStreamContext({ waitUntil: null }).resumeExistingStream('a')
// @ts-expect-error it has no such data
hub.publish({ type: 'tick', data: { prize: 1 } })
// @ts-expect-error it is onError
connect('https://a.test', { onerror: () => {} })
export const all = [createParser, encode, EventDecoderStream, storage, accept, adminHandler, fetchEventSource]
export const more = [createMockServer, onTrace, logCases, useEventStream, useInVue, eventStream, EventStream]
export type Event = ServerSentEvent
`

/** How projects tell their compiler what a module is. The others are CommonJS, which has no \`verbatimModuleSyntax\`. */
const PROJECTS = {
  bundler: ['module', '--module', 'esnext', '--moduleResolution', 'bundler', '--verbatimModuleSyntax'],
  node16: ['module', '--module', 'node16', '--verbatimModuleSyntax'],
  nodenext: ['module', '--module', 'nodenext', '--verbatimModuleSyntax'],
  'node16, CommonJS': ['commonjs', '--module', 'node16'],
  'nodenext, CommonJS': ['commonjs', '--module', 'nodenext'],
  // What many projects still have, and what TypeScript 6 forgot: it knows no `exports`.
  node10: ['commonjs', '--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop'],
}
type Project = keyof typeof PROJECTS

let packed: Packed
beforeAll(() => {
  packed = pack()
  for (const kind of ['module', 'commonjs'])
    for (const node of NODE_TYPES) {
      const folder = join(packed.folder, kind, node)
      write(folder, { 'package.json': JSON.stringify({ type: kind, private: true }), 'use.ts': USE })
      unpack(packed, folder)
      mkdirSync(join(folder, 'node_modules/@types'))
      const link = (target: string, name: string) => symlinkSync(target, join(folder, 'node_modules', name))
      link(join(HOME, 'node_modules', `types-node-${node}`), '@types/node')
      for (const name of ['react', 'vue', 'svelte', 'solid-js', '@types/react'])
        link(join(root, 'node_modules', name), name)
    }
})
afterAll(() => packed.remove())

/** What a compiler says of the project and of our declarations. */
async function compile(version: string, project: Project, lib: string, node = '20'): Promise<string[]> {
  const [kind = '', ...flags] = PROJECTS[project]
  const common = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--isolatedModules', '--target', 'es2022']
  const args = [...common, ...flags, '--lib', lib, '--types', 'node', '--skipLibCheck', 'false', '--pretty', 'false']
  const command = join(HOME, `node_modules/typescript-${version}/bin/tsc`)
  const cwd = join(packed.folder, kind, node)
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, [command, ...args, 'use.ts'], { cwd }, (_, stdout, stderr) => resolve(stdout + stderr))
  })
  return said.split('\n').filter((line) => line && !/^ |^(\.\.\/)*(\S*\/)?node_modules\/(?!unmissed\/)/.test(line))
}

/** Two at a time: each takes a core. */
async function all<T>(items: readonly T[], run: (item: T) => Promise<string[]>): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  const queue = [...items]
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      const said = await run(item)
      if (said.length) found[String(item)] = said
    }
  }
  await Promise.all([work(), work()])
  return found
}

// With the first and the last in every way; those between in the two that differ most.
describe.each(TYPESCRIPT)('TypeScript %s compiles every entry', (version) => {
  const isEnd = version === TYPESCRIPT[0] || version === TYPESCRIPT.at(-1)
  test('in every kind of project', async () => {
    const knowsNode10 = Number(version) < 6
    const projects = (Object.keys(PROJECTS) as Project[]).filter((project) =>
      project === 'node10' ? knowsNode10 : isEnd || project === 'bundler',
    )
    expect(await all(projects, (project) => compile(version, project, DOM))).toEqual({})
  })
  test('without DOM', async () => {
    const projects: Project[] = isEnd ? ['nodenext', 'node16, CommonJS'] : ['node16, CommonJS']
    expect(await all(projects, (project) => compile(version, project, NO_DOM))).toEqual({})
  })
})

test('with the types of every Node, with DOM and without', async () => {
  const pairs = NODE_TYPES.flatMap((node) => [DOM, NO_DOM].map((lib) => [node, lib] as const))
  expect(await all(pairs, ([node, lib]) => compile('7.0', 'nodenext', lib, node))).toEqual({})
})

test('what is wrong is found: these compilers do look', async () => {
  const folder = join(packed.folder, 'module', '20')
  write(folder, { 'use.ts': `import { connect } from 'unmissed'\nconnect(5)\n` })
  for (const version of ['5.4', '7.0'])
    expect(await compile(version, 'nodenext', DOM)).toEqual([expect.stringMatching(/TS2769|TS2345/)])
  write(folder, { 'use.ts': USE })
})

test('every entry is compiled here', () => {
  const built = readdirSync(join(packed.folder, 'module/20/node_modules/unmissed/dist'), {
    recursive: true,
    encoding: 'utf8',
  })
  const entries = built.filter((path) => /\.d\.ts$/.test(path) && !/-[\w-]{8}\.d\.ts$/.test(path))
  for (const path of entries) {
    const name = path === 'index.d.ts' ? 'unmissed' : `unmissed/${path.slice(0, -'.d.ts'.length)}`
    expect(USE, name).toContain(`'${name}'`)
  }
})
