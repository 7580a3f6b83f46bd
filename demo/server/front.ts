/** What the browser talks to: the page's files, the hub behind it, and the buttons that break things in between. */
import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { hasEngine } from '../../test/engines.js'
import { createFaults } from './faults.ts'
import { startTwins, type Twins } from './twins.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.md': 'text/markdown',
  '.txt': 'text/plain',
}

const compress = promisify(gzip)

// The hub is TypeScript, too.
const execArgv = ['--import', new URL('../../test/helpers/typescript.mjs', import.meta.url).href]

/** A hub's process, as far as it has told of itself. */
interface Hub {
  readonly child: ChildProcess
  /** The number of its last event. */
  last: number
  port: number
}

export interface Front {
  readonly url: string
  close(): Promise<void>
}

/** `folder` has the page, `docs` the documentation, as soon as that is made; `twins`: with two servers on Redis beside the hub. */
interface FrontOptions {
  readonly folder: string
  readonly docs?: Promise<string>
  readonly port?: number
  readonly twins?: boolean
}

/** What keeps them from starting is told, and is no reason to show nothing. */
async function startTwinsIf(isWanted: boolean): Promise<Twins | undefined> {
  if (!isWanted) return undefined
  return startTwins().catch((error) => void console.error('no second server:', error))
}

export async function startFront({ folder, docs, port = 0, twins: withTwins = true }: FrontOptions): Promise<Front> {
  const faults = createFaults()
  // Only where there is a Redis; the rest of the page needs none.
  const [first, twins] = await Promise.all([startHub(0), startTwinsIf(withTwins && hasEngine('redis'))])
  let hub = first

  async function startHub(last: number): Promise<Hub> {
    const child = fork(fileURLToPath(new URL('hub.ts', import.meta.url)), [`${last}`], { execArgv })
    const started: Hub = { child, last, port: 0 }
    child.on('message', (message) => Object.assign(started, message))
    while (!started.port) await new Promise((resolve) => child.once('message', resolve))
    return started
  }

  /** Kills the hub, as a crash would: without a word to anybody. */
  async function restart() {
    const { child, last } = hub
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    hub = await startHub(last + 1)
  }

  function pass(request: IncomingMessage, response: ServerResponse, path: string, page: string) {
    const { method, headers } = request
    const outgoing = ask({ host: '127.0.0.1', port: hub.port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      if (page) faults.carry(page, answer, response)
      else answer.pipe(response)
    })
    outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(503).end()))
    response.on('close', () => outgoing.destroy())
    request.pipe(outgoing)
  }

  async function control(action: string, page: string, response: ServerResponse): Promise<void> {
    const isKnown = action === 'restart' || action === 'token' || faults.names.includes(action)
    if (action === 'restart') await restart()
    else if (action === 'token') faults.renew(page)
    else faults.cause(action, page)
    response.writeHead(isKnown ? 202 : 404).end()
  }

  async function file(path: string, response: ServerResponse) {
    const isDocs = path.startsWith('/docs/')
    const asked = isDocs ? path.slice('/docs'.length) : path
    const name = normalize(asked.endsWith('/') ? `${asked}index.html` : asked)
    try {
      const body = await readFile(join(isDocs && docs ? await docs : folder, name))
      const type = `${TYPES[extname(name)] ?? 'application/octet-stream'}; charset=utf-8`
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' }).end(await compress(body))
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
    }
  }

  const server = createServer((request, response) => {
    const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://front')
    const page = searchParams.get('page') ?? ''
    const [, area, rest = ''] = pathname.split('/')
    if (pathname === '/docs') return response.writeHead(301, { location: '/docs/' }).end()
    if (area === 'break' && request.method === 'POST') return control(rest, page, response)
    if (area === 'twins' && twins) {
      if (request.method === 'POST') twins.kill(Number(rest))
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ port: twins.port }))
    }
    if (area !== 'api') return file(pathname, response)
    const meets = page && faults.meets(page)
    if (meets === 'destroy') return response.destroy()
    if (meets) return response.writeHead(meets.status, meets.headers).end()
    return pass(request, response, pathname.slice('/api'.length) + search, page)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      hub.child.removeAllListeners('message')
      hub.child.kill()
      server.close()
      server.closeAllConnections()
      await twins?.close()
    },
  }
}
