/** What the browser talks to: the page's files, the hub behind it, and the buttons that break things in between. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { hasEngine } from '../../test/engines.js'
import { startAside } from './aside.ts'
import { createFaults } from './faults.ts'
import { pass } from './pass.ts'
import { type ServerProcess, startServer } from './process.ts'
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

/** A hub's process, as far as it has told of itself. */
interface Hub extends ServerProcess {
  /** The number of its last event. */
  last: number
}

async function startHub(last: number): Promise<Hub> {
  const hub = Object.assign(startServer('hub.ts', [last]), { last })
  await hub.ready
  return hub
}

const json = (response: ServerResponse, body: object) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

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

export async function startFront({ folder, docs, port = 0, twins: withTwins = true }: FrontOptions): Promise<Front> {
  const faults = createFaults()
  let hub = await startHub(0)
  const aside = await startAside(() => hub.port)
  // Only where there is a Redis, and nobody waits for them who does not look: the rest of the page needs neither.
  const twins: Promise<Twins | undefined> =
    withTwins && hasEngine('redis')
      ? startTwins().catch((error) => void console.error('no second server:', error))
      : Promise.resolve(undefined)

  /** Kills the hub, as a crash would: without a word to anybody. */
  async function restart() {
    const { child, last } = hub
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    hub = await startHub(last + 1)
  }

  async function twinsAt(number: string, { method }: IncomingMessage, response: ServerResponse) {
    const there = await twins
    if (!there) return response.writeHead(404).end()
    if (method === 'POST') there.kill(Number(number))
    return json(response, { port: there.port })
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
    if (area === 'aside') return json(response, { port: aside.port })
    if (area === 'twins') return twinsAt(rest, request, response)
    if (area !== 'api') return file(pathname, response)
    const meets = page && faults.meets(page)
    if (meets === 'destroy') return response.destroy()
    if (meets) return response.writeHead(meets.status, meets.headers).end()
    const carry = page ? (answer: IncomingMessage) => faults.carry(page, answer, response) : undefined
    return pass(request, response, { port: hub.port, path: pathname.slice('/api'.length) + search, carry })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      hub.child.removeAllListeners('message')
      hub.child.kill()
      aside.close()
      server.close()
      server.closeAllConnections()
      await (await twins)?.close()
    },
  }
}
