import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { firstHour } from '../docs/first-hour.ts'
import { type Packed, pack, unpack } from '../package/packed.ts'
import { project, run, serve } from './project.ts'

// Whole frameworks as their users install them, with our tarball beside them: from the registry, so this is no part of
// `npm test` but of `npm run company`, which a workflow runs each week.

const PRODUCTION = { NODE_ENV: 'production' }

let packed: Packed
beforeAll(() => {
  packed = pack()
})
afterAll(() => packed.remove())

/** The first events of a stream. */
async function first(url: string, count: number): Promise<string[]> {
  const found: string[] = []
  for await (const { data } of connect(url)) if (found.push(data) === count) break
  return found
}

const JEST = `
const { connect, ConnectError, encode } = require('unmissed')
const { createMockServer, reportUnheard } = require('unmissed/testing')
const { createHub } = require('unmissed/server')

test('a connection over a mock', async () => {
  const server = createMockServer()
  const connection = connect('https://sse.test/', { fetch: server.fetch })
  const request = await server.next()
  const event = connection.next()
  request.send({ data: 'hello' })
  expect((await event).data).toBe('hello')
  connection.close()
})
test('classes and switches are one', () => {
  reportUnheard(false)
  expect(() => connect('https://sse.test/', { onerror() {} })).toThrow(ConnectError)
  expect(encode({ data: 'a' })).toBe('data: a\\n\\n')
})
test('a hub', async () => {
  const hub = createHub()
  expect((await hub.publish({ data: 'a' })).id).toMatch(/^\\w+\\.\\d+$/)
  await hub.close()
})
`

describe.each(['29.7.0', '30.5.2'])('Jest %s as it comes', (version) => {
  test('runs tests that use it', () => {
    const folder = project(packed, `jest-${version}`, { jest: version }, { 'unmissed.test.js': JEST })
    expect(run(folder, 'jest')).toContain('3 passed')
  })
  test('also in its jsdom, where a page is tested', () => {
    const folder = project(
      packed,
      `jest-${version}-page`,
      { jest: version, 'jest-environment-jsdom': version, react: '19.3.1' },
      {
        // In two pieces: whole, it would be meant for this file.
        'page.test.js': `/** @jest-${'environment'} jsdom */
        test('loads', () => {
          expect(typeof require('unmissed/react').useEventStream).toBe('function')
          expect(require('unmissed').encode({ data: 'a' })).toBe('data: a\\n\\n')
        })`,
      },
    )
    expect(run(folder, 'jest')).toContain('1 passed')
  })
})

test('NestJS 11, compiled to CommonJS, serves a hub', async () => {
  const nest = '11.2.10'
  const folder = project(
    packed,
    'nest',
    {
      '@nestjs/common': nest,
      '@nestjs/core': nest,
      '@nestjs/platform-express': nest,
      'reflect-metadata': '0.2.2',
      rxjs: '7.8.2',
      typescript: '5.9.3',
      '@types/node': '20.19.43',
      '@types/express': '5.0.6',
    },
    {
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          module: 'node16',
          target: 'es2022',
          strict: true,
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
          skipLibCheck: true,
          outDir: 'out',
          types: ['node'],
        },
        files: ['main.ts'],
      }),
      'main.ts': `
import 'reflect-metadata'
import { Controller, Get, Injectable, Module, type OnModuleDestroy, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, Response } from 'express'
import { createHub } from 'unmissed/server'

@Injectable()
class News implements OnModuleDestroy {
  readonly hub = createHub({ history: 100 })
  onModuleDestroy() {
    return this.hub.close()
  }
}

@Controller()
class NewsController {
  constructor(readonly news: News) {}
  @Get()
  root() {
    return 'here'
  }
  @Get('events')
  async events(@Req() request: Request, @Res() response: Response) {
    await this.news.hub.handle(request, response)
  }
  @Get('publish')
  async publish() {
    return this.news.hub.publish({ data: 'news' })
  }
}

@Module({ controllers: [NewsController], providers: [News] })
class AppModule {}

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
  app.enableShutdownHooks()
  await app.listen(Number(process.env['PORT']), '127.0.0.1')
}
void main()
`,
    },
  )
  run(folder, 'tsc')
  const url = await serve(folder, () => [process.execPath, 'out/main.js'], PRODUCTION)
  const events = first(`${url}events`, 1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await fetch(`${url}publish`)
  expect(await events).toEqual(['news'])
})

test.each(['--webpack', '--turbopack'])('Next 16 builds %s without a warning, and runs', async (bundler) => {
  const folder = project(
    packed,
    `next${bundler}`,
    {
      next: '16.4.6',
      react: '19.3.1',
      'react-dom': '19.3.1',
      typescript: '5.9.3',
      '@types/react': '19.3.0',
      '@types/node': '20.19.43',
    },
    {
      'next.config.mjs':
        'export default { outputFileTracingRoot: import.meta.dirname, turbopack: { root: import.meta.dirname } }\n',
      'app/layout.tsx': `
import type { ReactNode } from 'react'
export default function Layout({ children }: { children: ReactNode }) {
  return <html lang="en"><body>{children}</body></html>
}`,
      // A component of the server, which needs the boundary: it has no "use client" of its own.
      'app/page.tsx': `
import { StreamDefaults } from 'unmissed/react'
import { News } from './news'
export default function Page() {
  return <StreamDefaults options={{ max: 5 }}><News /></StreamDefaults>
}`,
      'app/news.tsx': `
'use client'
import { useEventStream } from 'unmissed/react'
export function News() {
  const { data, state } = useEventStream('/events')
  return <p>{state} {data}</p>
}`,
      'app/events/route.ts': `
import { hub } from '../hub'
export const dynamic = 'force-dynamic'
export const GET = (request: Request) => hub.fetch(request)
export const POST = async (request: Request) => Response.json(await hub.publish({ data: await request.text() }))`,
      'app/hub.ts': `
import { createHub, type Hub } from 'unmissed/server'
const kept = globalThis as { hub?: Hub }
export const hub = (kept.hub ??= createHub({ history: 10 }))`,
    },
  )
  const said = run(folder, 'next', 'build', bundler)
  expect(said).not.toMatch(/warn/i)
  const url = await serve(
    folder,
    () => [process.execPath, 'node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1'],
    PRODUCTION,
  )
  const page = await (await fetch(url)).text()
  expect(page).toContain('connecting')
  const events = first(`${url}events`, 1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await fetch(`${url}events`, { method: 'POST', body: 'news' })
  expect(await events).toEqual(['news'])
})

test('webpack 5 bundles every entry without a warning, and without the checks of development', () => {
  const folder = project(
    packed,
    'webpack',
    { webpack: '5.113.0', 'webpack-cli': '6.0.1', react: '19.3.1', vue: '3.5.45', svelte: '5.57.3' },
    {
      'src/index.js': [
        '',
        '/server',
        '/eventsource',
        '/react',
        '/vue',
        '/svelte',
        '/svelte/runes',
        '/testing',
        '/compat/fetch-event-source',
      ]
        .map((path, at) => `import * as e${at} from 'unmissed${path}'\nconsole.log(e${at})`)
        .join('\n'),
      'webpack.config.js': `module.exports = { mode: 'production', performance: false, optimization: { minimize: false }, plugins: [
        new (require('webpack').DefinePlugin)({ __VUE_OPTIONS_API__: true, __VUE_PROD_DEVTOOLS__: false, __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false }) ] }\n`,
      'find.js': `const text = require('fs').readFileSync('dist/main.js', 'utf8')
        console.log(text.includes('invalid-option'), text.includes('connection.on(listener)'))\n`,
    },
  )
  const said = run(folder, 'webpack')
  expect(said).toMatch(/compiled successfully/)
  expect(said).not.toMatch(/warning/i)
  // The code of errors is in it, the table of what others call an option is not.
  expect(execFileSync(process.execPath, ['find.js'], { cwd: folder, encoding: 'utf8' })).toBe('true false\n')
})

test('a stream of the reference server of Durable Streams is read whole, cut off again and again, to its end', () => {
  const snippet = /## A Durable Streams server[\s\S]*?```ts\n([\s\S]*?)```/.exec(
    readFileSync('src/client/services.md', 'utf8'),
  )?.[1]
  const folder = project(
    packed,
    'durable-streams',
    { '@durable-streams/server': '0.3.7', typescript: '5.9.3' },
    {
      'follow.ts': snippet as string,
      'main.mjs': `
import { DurableStreamTestServer } from '@durable-streams/server'
import { follow } from './follow.js'
const server = new DurableStreamTestServer({ port: 0 })
const url = (await server.start()) + '/v1/stream/chat'
const json = { 'content-type': 'application/json' }
await fetch(url, { method: 'PUT', headers: json })
const append = async () => {
  for (let n = 1; n < 100; n++) {
    await fetch(url, { method: 'POST', headers: json, body: JSON.stringify({ n }) })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await fetch(url, { method: 'POST', headers: { ...json, 'Stream-Closed': 'true' }, body: JSON.stringify({ n: 100 }) })
}
void append()
const seen = []
const connection = follow(url, (items) => seen.push(...items.map(({ n }) => n)))
connection.on('data', () => Math.random() < 0.2 && connection.reconnect())
const reason = await connection.closed
console.log(reason, seen.length, seen.every((n, at) => n === at + 1))
await server.stop()
process.exit()
`,
    },
  )
  run(folder, 'tsc', 'follow.ts', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck')
  const said = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8', timeout: 60_000 })
  expect(said).toContain('ended 100 true')
})

test('who follows the guide from `npm create vite` on sees an answer survive a reload, asked for once', async () => {
  const npm = (cwd: string, ...args: string[]) => execFileSync('npm', args, { cwd, stdio: 'ignore' })
  npm(packed.folder, 'create', '--yes', 'vite@9.3.0', 'chat', '--', '--template', 'vanilla', '--no-interactive')
  const folder = join(packed.folder, 'chat')
  npm(folder, 'install', '--no-audit', '--no-fund')
  unpack(packed, folder)
  const { shown, asked, mistakes } = await firstHour(folder)
  expect(shown).toContain(Array.from({ length: 50 }, (_, n) => `token ${n + 1}`).join(' '))
  expect([asked, mistakes]).toEqual([['POST', 'GET'], []])
})

test('a program for Expo compiles with the fetch of Expo', () => {
  const folder = project(
    packed,
    'expo',
    { expo: '54.0.25', typescript: '5.9.3', '@types/react': '19.1.17' },
    {
      'app.tsx': `
import { fetch as expoFetch } from 'expo/fetch'
import { connect } from 'unmissed'
import { useEventStream } from 'unmissed/react'
export const connection = connect('https://example.com/events', { fetch: expoFetch as typeof fetch })
export const useNews = () => useEventStream('https://example.com/events', { fetch: expoFetch as typeof fetch })
`,
    },
  )
  const strict = ['--strict', '--skipLibCheck', '--noEmit', '--module', 'esnext', '--moduleResolution', 'bundler']
  run(
    folder,
    'tsc',
    'app.tsx',
    ...strict,
    '--jsx',
    'react-jsx',
    '--lib',
    'esnext,dom',
    '--customConditions',
    'react-native',
  )
})
