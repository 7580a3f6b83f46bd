import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { frameAt, type Ids, idOf, numberOf } from './log.ts'
import { createRandom, pick, type Random, whole } from './random.ts'

/** What the proxy asks of the origin for one answer, in a request header of its own. */
export interface Wish {
  seed: string
  /** Starts so many events too early after a resume. */
  again?: number
  /** Ends the answer cleanly after so many events. */
  endAfter?: number
  /** Puts things between the events that a reader must ignore. */
  garbage?: boolean
  /** Sends a body that only the end of the connection ends, as HTTP/1.0 servers do: there, a cut looks like a good end. */
  unframed?: boolean
  /** The content type. Default: `text/event-stream`. */
  type?: string
}

export const WISH = 'x-wish'

/** Milliseconds. */
const HEARTBEAT = 50

/** Blocks that dispatch nothing and change no id (§9.2.6), whatever they look like. */
const GARBAGE: readonly (string | Buffer)[] = [
  'event: nothing\n\n',
  'event\n\n',
  'retry: 1e9\nretry: -1\nretry: 5abc\nretry\n\n',
  'id: 9\0 9\n\n',
  'Data: upper case is another field\n\n',
  'dat: short\ndatas: long\n data: space\n\n',
  '\uFEFFdata: only the first byte order mark of a body is one\n\n',
  '<html><body>502 Bad Gateway</body></html>\r\n\r\n',
  ':\r:\r:\r\r',
  '\n\n\n\r\r\n\n',
  Buffer.concat([
    Buffer.from('noise'),
    Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0, 0x1b]),
    Buffer.from('\n\n'),
  ]),
]

export interface OriginOptions {
  ids: Ids
  /** The server's `retry`, in milliseconds. */
  retry: number
  /** The number of the last event that the client of a path delivered. */
  read(path: string): number
}

export interface Origin {
  port: number
  /** What a client that has read nothing yet must resume after; `''` for the log's beginning. */
  start: string
  /** Answers that are not over. */
  live(): number
  /** Resumes after an id that this log never had. */
  badIds(): number
  /** The number of the last event sent to `client`. */
  sent(client: string): number
  /** Lets the log of `client` end there: later answers send heartbeats alone. */
  endLog(client: string, at: number): void
  close(): Promise<void>
}

interface Log {
  sent: number
  end: number
}

/** A server that knows only the right thing: an endless numbered log for each path, from after `Last-Event-ID` on. */
export async function startOrigin({ ids, retry }: Omit<OriginOptions, 'read'>): Promise<Origin> {
  const logs = new Map<string, Log>()
  const logOf = (client: string) => {
    const log = logs.get(client) ?? { sent: 0, end: Number.POSITIVE_INFINITY }
    logs.set(client, log)
    return log
  }
  let live = 0
  let badIds = 0
  const server = createServer((request, response) => {
    live++
    response.on('close', () => live--)
    // A request that was cut has a socket that breaks; there is nobody to tell.
    response.on('error', () => undefined)
    const wish = JSON.parse(String(request.headers[WISH] ?? '{"seed":""}')) as Wish
    const asked = lastEventId(request)
    let from = numberOf(asked)
    if (asked !== '' && asked !== idOf(from, ids)) {
      badIds++
      from = 0
    }
    const again = from > 0 ? (wish.again ?? 0) : 0
    const client = new URL(request.url ?? '/', 'http://origin').pathname
    void serve(response, logOf(client), Math.max(0, from - again) + 1, wish)
  })

  async function serve(response: ServerResponse, log: Log, first: number, wish: Wish) {
    const random = createRandom('origin', wish.seed)
    if (wish.unframed) {
      response.shouldKeepAlive = false
      response.useChunkedEncodingByDefault = false
    }
    response.writeHead(200, { 'content-type': wish.type ?? 'text/event-stream' })
    response.flushHeaders()
    let bytes = Buffer.from(`${random() < 0.3 ? '\uFEFF' : ''}retry: ${retry}\n\n`)
    const stop = first + (wish.endAfter ?? Number.POSITIVE_INFINITY)
    for (let n = first; ; ) {
      for (let burst = whole(random, 1, 10); burst > 0 && n < stop && n <= log.end; burst--) {
        if (wish.garbage && random() < 0.3) bytes = Buffer.concat([bytes, Buffer.from(pick(random, GARBAGE) as string)])
        if (random() < 0.05) bytes = Buffer.concat([bytes, Buffer.from(': ♥\n\n')])
        bytes = Buffer.concat([bytes, Buffer.from(frameAt(n, ids))])
        log.sent = Math.max(log.sent, n)
        n++
      }
      for (const piece of pieces(bytes, random)) response.write(piece)
      if (n >= stop) return response.end()
      if (response.writableNeedDrain) await settled(response)
      else await pause(n > log.end ? HEARTBEAT : pick(random, [0, 0, 0, 1, 2]))
      if (response.destroyed) return
      bytes = n > log.end ? Buffer.from(':\n\n') : Buffer.alloc(0)
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    start: '',
    live: () => live,
    badIds: () => badIds,
    sent: (client) => logOf(client).sent,
    endLog: (client, at) => {
      logOf(client).end = at
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The header is UTF-8 bytes (§9.2.3), which Node shows one character per byte; the query is the other way to say it. */
function lastEventId(request: IncomingMessage): string {
  const header = request.headers['last-event-id']
  if (header !== undefined) return Buffer.from(String(header), 'latin1').toString('utf8')
  return new URL(request.url ?? '/', 'http://origin').searchParams.get('lastEventId') ?? ''
}

/** Each write is one HTTP chunk, so chunks end anywhere: inside events, lines and characters. */
function* pieces(bytes: Buffer, random: Random): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = pick(random, [1, 7, 40, 200, 1_000, 5_000, 20_000])
    yield bytes.subarray(at, at + size)
    at += size
  }
}

function settled(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => (milliseconds === 0 ? setImmediate(resolve) : setTimeout(resolve, milliseconds)))
}
