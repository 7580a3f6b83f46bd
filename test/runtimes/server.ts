import { readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a scripted stream answers one request. */
export interface Answer {
  /** 0 breaks the connection without an answer. Default: 200. */
  status?: number
  /** Added to `Content-Type: text/event-stream`; an empty value removes one, a list is a line for each. */
  headers?: Record<string, string | string[]>
  /** Text is written as it is, an array of numbers as bytes, a number is a pause in milliseconds. */
  chunks?: (string | number | number[])[]
  /** What follows the chunks. `flood` writes 64 KiB events for as long as the reader takes them. Default: `clean`. */
  ending?: 'clean' | 'reset' | 'hang' | 'flood'
}

/** What a scripted stream saw of one request. */
export interface Seen {
  method: string
  headers: IncomingHttpHeaders
  url: string
  body: string
  /** Milliseconds between this request and the stream's creation. */
  at: number
  /** Whether the answer was cut off by the client. */
  aborted: boolean
  /** Bytes of a flood that were written so far. */
  written: number
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const types: Record<string, string> = { '.js': 'text/javascript', '.json': 'application/json', '.html': 'text/html' }

/**
 * The one server that every runtime is tested against. `POST /streams` takes a list of answers and makes a stream of them:
 * its n-th request gets the n-th answer, later ones the last. `GET /streams/<id>/seen` tells what was asked.
 * Everything is readable from any origin, so that a page can ask for a stream of another; the same answers come from a
 * sibling at another port, whose address `GET /sibling` tells: another origin of the same site, with the same cookies.
 */
export async function serve() {
  const streams = new Map<string, { answers: Answer[]; seen: Seen[]; born: number }>()
  const reports = new Map<string, (report: unknown) => void>()

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    response.on('error', () => {})
    const { pathname } = new URL(request.url ?? '/', 'http://server')
    const [, room = '', name = '', what] = pathname.split('/')
    allow(request, response)
    if (request.method === 'OPTIONS') return response.writeHead(204).end()
    if (room === 'streams' && request.method === 'POST' && name === '') {
      const id = String(streams.size + 1)
      streams.set(id, { answers: JSON.parse(await bodyOf(request)), seen: [], born: Date.now() })
      return json(response, { id })
    }
    const stream = room === 'streams' ? streams.get(name) : undefined
    if (stream && what === 'seen') return json(response, stream.seen)
    if (stream) return play(stream, request, response)
    if (room === 'reports') {
      reports.get(name)?.(JSON.parse(await bodyOf(request)))
      return json(response, {})
    }
    if (room === 'page') return page(response)
    if (room === 'sibling') return json(response, sibling.url)
    if (room === 'cookie')
      return void response.writeHead(204, { 'set-cookie': `${name}=1; SameSite=Lax; Path=/` }).end()
    return file(pathname, response)
  }
  const [main, sibling] = await Promise.all([listen(answer), listen(answer)])

  return {
    url: main.url,
    /** Resolves with what a runtime posts to `/reports/<name>`. */
    report: <Report>(name: string) =>
      new Promise<Report>((resolve) => reports.set(name, resolve as (report: unknown) => void)),
    close() {
      main.close()
      sibling.close()
    },
  }
}

interface Listening {
  readonly url: string
  close(): void
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<Listening> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

type Stream = { answers: Answer[]; seen: Seen[]; born: number }

async function play(stream: Stream, request: IncomingMessage, response: ServerResponse) {
  const answer = stream.answers[Math.min(stream.seen.length, stream.answers.length - 1)] ?? {}
  const seen: Seen = {
    method: request.method ?? '',
    headers: request.headers,
    url: request.url ?? '',
    body: '',
    at: Date.now() - stream.born,
    aborted: false,
    written: 0,
  }
  stream.seen.push(seen)
  response.on('close', () => {
    seen.aborted = !response.writableFinished
  })
  seen.body = await bodyOf(request)
  if (answer.status === 0) return request.socket.resetAndDestroy()
  const headers = Object.entries({ 'content-type': 'text/event-stream', ...answer.headers })
  for (const [name, value] of headers)
    if (value) response.setHeader(name, value)
    else response.removeHeader(name)
  response.writeHead(answer.status ?? 200)
  response.flushHeaders()
  for (const chunk of answer.chunks ?? []) {
    if (typeof chunk === 'number') await new Promise((resolve) => setTimeout(resolve, chunk))
    // Each chunk goes out alone, so that a reader meets it as it was cut.
    else
      await new Promise((resolve) => response.write(typeof chunk === 'string' ? chunk : new Uint8Array(chunk), resolve))
  }
  if (answer.ending === 'hang') return
  if (answer.ending === 'reset') return request.socket.resetAndDestroy()
  if (answer.ending === 'flood') return flood(response, seen)
  response.end()
}

/** Where a flood ends: no machine is to drown in it. */
const FLOOD = 2 ** 25 + 2 ** 22

/** Writes no faster than the reader takes it, and tells how much that was. */
async function flood(response: ServerResponse, seen: Seen) {
  const frame = `data: ${'x'.repeat(65_536)}\n\n`
  while (!response.destroyed && seen.written < FLOOD) {
    seen.written += frame.length
    if (!response.write(frame))
      await new Promise<void>((resolve) => {
        const go = () => {
          response.off('drain', go).off('close', go)
          resolve()
        }
        response.on('drain', go).on('close', go)
      })
  }
}

function page(response: ServerResponse) {
  response.setHeader('content-type', 'text/html')
  response.end('<!doctype html><meta charset="utf-8"><script type="module" src="/test/runtimes/page.js"></script>')
}

/** Serves dist and the tests themselves; `unmissed/…` becomes the file that package.json names, as a bundler would have it. */
async function file(pathname: string, response: ServerResponse) {
  if (!/^\/(dist|fixtures|test\/runtimes)\/[\w./-]+$/.test(pathname) || pathname.includes('..'))
    return void response.writeHead(404).end()
  const text = await readFile(join(root, pathname), 'utf8').catch(() => undefined)
  if (text === undefined) return void response.writeHead(404).end()
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  response.writeHead(200, {
    'content-type': types[extname(pathname)] ?? 'text/plain',
    // A service worker may otherwise only answer for pages beside its own file.
    'service-worker-allowed': '/',
  })
  response.end(
    text.replace(/(from |import\()'unmissed(\/[\w/-]+)?'/g, (_, before, path = '') => {
      const target = exports[`.${path}`].default.default
      return `${before}'${target.slice(1)}'`
    }),
  )
}

function allow(request: IncomingMessage, response: ServerResponse) {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*')
  response.setHeader('access-control-allow-credentials', 'true')
  response.setHeader('access-control-allow-methods', 'GET, POST')
  response.setHeader(
    'access-control-allow-headers',
    request.headers['access-control-request-headers'] ?? 'content-type',
  )
}

function json(response: ServerResponse, value: unknown) {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return body
}
