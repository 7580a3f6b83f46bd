import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a scripted stream answers one request. */
export interface Answer {
  status?: number
  headers?: Record<string, string>
  /** Text is written as it is, an array of numbers as bytes, a number is a pause in milliseconds. */
  chunks?: (string | number | number[])[]
  /** What follows the chunks. `flood` writes 64 KiB events for as long as the reader takes them. Default: `end`. */
  then?: 'end' | 'reset' | 'hang' | 'flood'
}

/** What a scripted stream saw of one request. */
export interface Seen {
  method: string
  headers: Record<string, string | string[] | undefined>
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
 * Everything is readable from any origin, so that a page can ask for a stream of another.
 */
export async function serve() {
  const streams = new Map<string, { answers: Answer[]; seen: Seen[]; born: number }>()
  const reports = new Map<string, (report: unknown) => void>()

  const server = createServer(async (request, response) => {
    response.on('error', () => {})
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
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
    if (room === 'page') return page(response, searchParams.get('run') ?? '')
    return file(pathname, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }

  return {
    url: `http://127.0.0.1:${port}`,
    /** Resolves with what a runtime posts to `/reports/<name>`. */
    report: <Report>(name: string) =>
      new Promise<Report>((resolve) => reports.set(name, resolve as (report: unknown) => void)),
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
