import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Fault } from './faults.ts'
import { WISH } from './origin.ts'
import { type Place, Scanner } from './scan.ts'

/** What the proxy saw of its client, in milliseconds of the monotonic clock. */
export interface Watch {
  attempts: number
  /** Connections taken from the client: cut, reset, left hanging or ended. */
  cuts: number
  places: Partial<Record<Place | 'silent', number>>
  /** From the end of one answer to the next request: what the client's wait really was. */
  waits: number[]
  /** From the last byte of a link that died without a word to the client's hanging up. */
  noticed: number[]
  /** Requests before the time that `Retry-After` named. */
  early: number
  /** Requests that came while another one of the same client was being answered. */
  double: number
}

export interface FaultyProxy {
  url: string
  watch: Watch
  /** Connections from the client, but for those that its pool keeps idle: with no request yet, or after an answer that is over. */
  sockets(): number
  close(): Promise<void>
}

/**
 * What the clock may be wrong by, in milliseconds. Client and proxy share one event loop, whose timers count from the
 * beginning of a turn: in a turn that took five milliseconds, a timer fires five milliseconds early.
 */
export const LAG = 5
/** How long a connection may take to be seen closed, in milliseconds. */
const CLOSING = 100

const HEAD_END = '\r\n\r\n'
/** A dripped answer is slow for so many bytes, then flows: else 12 KB events would take seconds each. */
const DRIPPED = 1_500

/**
 * A TCP proxy for one client that follows the HTTP bytes, and does to attempt `n` what `faultOf(n)` says, which is told
 * how long the client waited.
 */
export async function startProxy(
  origin: number,
  path: string,
  faultOf: (attempt: number, waited: number | undefined) => Fault,
): Promise<FaultyProxy> {
  const watch: Watch = { attempts: 0, cuts: 0, places: {}, waits: [], noticed: [], early: 0, double: 0 }
  const sockets = new Set<Socket>()
  const idle = new Set<Socket>()
  const links = new Set<Link>()
  const timers = new Set<NodeJS.Timeout>()
  let server: Server
  let port = 0
  let endedAt = 0
  let notBefore = 0
  let closed = false

  /** One request and its answer. */
  interface Link {
    client: Socket
    upstream?: Socket
  }

  function listen(): Promise<void> {
    server = createServer({ noDelay: true }, accept)
    return new Promise((resolve) => {
      // Somebody's outgoing connection may have borrowed the port meanwhile.
      server.on('error', () => later(10, () => server.listen(port, '127.0.0.1')))
      server.on('listening', () => {
        port = (server.address() as AddressInfo).port
        resolve()
      })
      server.listen(port, '127.0.0.1')
    })
  }

  function accept(client: Socket) {
    sockets.add(client)
    idle.add(client)
    let head = ''
    let link: Link | undefined
    client.on('error', () => undefined)
    client.on('close', () => {
      sockets.delete(client)
      idle.delete(client)
      if (!link || !links.has(link)) return
      finish(link)
      // It hung up by itself, some moments ago: from when it waits is not known.
      endedAt = 0
    })
    client.on('data', (chunk) => {
      idle.delete(client)
      head += chunk.toString('latin1')
      const end = head.indexOf(HEAD_END)
      if (end < 0) return
      const request = head.slice(0, end)
      head = head.slice(end + HEAD_END.length)
      link = { client }
      begin(link, request)
    })
  }

  function begin(link: Link, request: string) {
    const now = performance.now()
    // The answer to a redirect is another request of the same attempt, and no waiting lies between.
    const waited = endedAt > 0 ? now - endedAt : undefined
    if (waited !== undefined) watch.waits.push(waited)
    if (now < notBefore - LAG) watch.early++
    const others = [...links]
    if (others.length > 0)
      later(CLOSING, () => {
        if (others.some((other) => links.has(other))) watch.double++
      })
    notBefore = 0
    links.add(link)
    const fault = faultOf(watch.attempts++, waited)
    if (fault.kind === 'answer') return answer(link, fault)
    if (fault.kind === 'reset' || fault.kind === 'refuse') {
      if (fault.kind === 'refuse') refuse(fault.milliseconds)
      watch.cuts++
      return cut(link, 'rst', new Uint8Array())
    }
    forward(link, request, fault)
  }

  function answer(link: Link, fault: Fault & { kind: 'answer' }) {
    const { status, headers, body, end } = fault
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const length = end ? `content-length: ${Buffer.byteLength(body)}\r\n` : 'transfer-encoding: chunked\r\n'
    const chunk = end ? body : `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`
    link.client.write(`HTTP/1.1 ${status} Fault\r\n${lines.join('')}${length}\r\n${chunk}`)
    const after = Number(headers['retry-after'])
    finish(link)
    if (end) idle.add(link.client)
    if (after > 0) notBefore = performance.now() + after * 1_000
    if (status >= 300 && status < 400) endedAt = 0
  }

  function forward(link: Link, request: string, fault: Fault & { kind: 'none' | 'cut' | 'stall' | 'bad-chunk' }) {
    const { client } = link
    const scanner = new Scanner()
    const aim = 'aim' in fault ? fault.aim : undefined
    const upstream = connect({ port: origin, host: '127.0.0.1', noDelay: true })
    link.upstream = upstream
    let stopped = false
    upstream.on('error', () => undefined)
    // The origin closes an unframed answer to end it, and only then.
    upstream.on('close', () => {
      if (stopped || !links.has(link)) return
      watch.cuts++
      finish(link)
      client.end()
    })
    const [first, ...rest] = request.split('\r\n')
    upstream.write([first, ...rest, `${WISH}: ${JSON.stringify(fault.wish)}`].join('\r\n') + HEAD_END, 'latin1')
    if (fault.kind === 'stall' && !aim) return stall()
    upstream.on('data', (chunk) => {
      if (stopped) return
      const at = scanner.find(chunk, aim)
      const passed = at < 0 ? chunk : chunk.subarray(0, at)
      if (at >= 0) stopped = true
      if (fault.drip && scanner.bytes < DRIPPED) {
        upstream.pause()
        void drip(client, passed).then(() => {
          if (at >= 0) hit(passed.subarray(passed.length))
          else upstream.resume()
        })
      } else if (at >= 0) hit(passed)
      else if (!client.write(passed)) {
        upstream.pause()
        client.once('drain', () => upstream.resume())
      }
      if (!scanner.done || !links.has(link)) return
      watch.cuts++
      finish(link)
      idle.add(client)
    })

    function hit(last: Uint8Array) {
      if (!links.has(link) || !aim) return
      watch.cuts++
      const place = scanner.isOverdue(aim) ? 'anywhere' : aim.place
      watch.places[place] = (watch.places[place] ?? 0) + 1
      if (fault.kind === 'cut') return cut(link, fault.by, last)
      client.write(last)
      if (fault.kind === 'stall') stall()
      else client.write('zz\r\n')
    }

    function stall() {
      if (!aim) {
        watch.cuts++
        watch.places.silent = (watch.places.silent ?? 0) + 1
      }
      stopped = true
      const since = performance.now()
      client.once('close', () => {
        if (!closed) watch.noticed.push(performance.now() - since)
      })
    }
  }

  function cut(link: Link, by: 'fin' | 'rst', last: Uint8Array) {
    const { client } = link
    finish(link)
    if (by === 'fin') client.end(last)
    else if (last.length === 0) client.resetAndDestroy()
    else client.write(last, () => client.resetAndDestroy())
  }

  function finish(link: Link) {
    if (!links.delete(link)) return
    link.upstream?.destroy()
    endedAt = performance.now()
  }

  function refuse(milliseconds: number) {
    server.close()
    for (const socket of idle) socket.destroy()
    later(milliseconds, () => void listen())
  }

  function later(milliseconds: number, then: () => void) {
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!closed) then()
    }, milliseconds)
    timers.add(timer)
  }

  await listen()
  return {
    url: `http://127.0.0.1:${port}${path}`,
    watch,
    sockets: () => sockets.size - idle.size,
    close: () => {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function drip(client: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length && !client.destroyed; at++) {
    client.write(bytes.subarray(at, at + 1))
    await new Promise((resolve) => setImmediate(resolve))
  }
}
