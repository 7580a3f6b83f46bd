/**
 * The network between a page and the hub, at its worst. Each page has an id, and a fault hits all of its streams: ours and
 * the plain EventSource beside it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

const LF = 10

/** One answer of the hub on its way to a page. */
interface Stream {
  readonly page: string
  readonly source: IncomingMessage
  readonly response: ServerResponse
  /** What happens to the next chunk. */
  fault?: OnTheWay | undefined
  slow?: boolean
  timer?: NodeJS.Timeout
}

type OnTheWay = 'cut' | 'stall' | 'garbage'

/** An answer in place of the hub's. */
export interface Refusal {
  readonly status: number
  readonly headers: Record<string, string>
}

/** What may befall a chunk on its way; each returns what is passed on. */
const onTheWay: Record<OnTheWay, (chunk: Buffer, stream: Stream) => void> = {
  /** Half of it arrives, and then the connection is gone. */
  cut(chunk, stream) {
    stream.fault = undefined
    stream.response.write(chunk.subarray(0, chunk.length >> 1), () => stream.response.destroy())
  },
  /** It never arrives, and nobody says so. */
  stall() {},
  /** It arrives with rubbish behind it, as from a gateway gone mad; a stream may hold lines that mean nothing. */
  garbage(chunk, stream) {
    stream.response.write(chunk)
    if (chunk.at(-1) === LF && chunk.at(-2) === LF) stream.response.write(Buffer.concat([RUBBISH, Buffer.from('\n\n')]))
  },
}

const RUBBISH = Buffer.concat([
  Buffer.from(': \uFEFF\u2028 a comment\rretry: soon\r\nid: \0\nnonsense: true\n<html>502\n'),
  Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0xe2, 0x82]),
])

/** Bytes per tenth of a second that a slow reader takes. */
const TRICKLE = 4000

export function createFaults() {
  const streams = new Set<Stream>()
  /** Pages whose requests are refused: until when, and how. */
  const refusals = new Map<string, { until: number; answer: Refusal | undefined }>()
  /** Pages whose token has expired. */
  const expired = new Set<string>()

  /** Passes the hub's answer on to a page's stream, through whatever has been done to it. */
  function carry(page: string, source: IncomingMessage, response: ServerResponse): void {
    const stream: Stream = { page, source, response }
    streams.add(stream)
    response.on('close', () => {
      streams.delete(stream)
      clearInterval(stream.timer)
      source.destroy()
    })
    source.on('data', (chunk: Buffer) => {
      if (stream.fault) onTheWay[stream.fault](chunk, stream)
      else if (stream.slow) trickle(chunk, stream)
      else if (!response.write(chunk)) {
        source.pause()
        response.once('drain', () => source.resume())
      }
    })
    source.on('end', () => response.end())
    source.on('error', () => response.destroy())
    // The hub has left in the middle of its answer: so do we.
    source.on('close', () => response.destroy())
  }

  /** A slow reader: what it does not take stays with the hub, which has a bound for it. */
  function trickle(chunk: Buffer, stream: Stream) {
    const { source, response } = stream
    source.pause()
    let at = 0
    stream.timer = setInterval(() => {
      response.write(chunk.subarray(at, at + TRICKLE))
      at += TRICKLE
      if (at < chunk.length) return
      clearInterval(stream.timer)
      source.resume()
    }, 100)
  }

  const of = (page: string) => [...streams].filter((stream) => stream.page === page)
  const drop = (page: string) => {
    for (const { response } of of(page)) response.destroy()
  }
  const mark = (page: string, fault: OnTheWay) => {
    for (const stream of of(page)) stream.fault = fault
  }
  const refuse = (page: string, milliseconds: number, answer: Refusal | undefined) => {
    refusals.set(page, { until: Date.now() + milliseconds, answer })
    drop(page)
  }

  const faults: Record<string, (page: string) => void> = {
    drop,
    cut: (page) => mark(page, 'cut'),
    stall: (page) => mark(page, 'stall'),
    garbage: (page) => mark(page, 'garbage'),
    away: (page) => refuse(page, 10_000, undefined),
    limit: (page) => refuse(page, 3000, { status: 429, headers: { 'retry-after': '3' } }),
    expire(page) {
      expired.add(page)
      drop(page)
    },
    slow(page) {
      for (const stream of of(page)) stream.slow = true
    },
  }

  return {
    carry,
    names: Object.keys(faults),
    cause: (name: string, page: string) => faults[name]?.(page),
    /** A page asked for a new token. */
    renew: (page: string) => expired.delete(page),
    /** What a page's request meets instead of the hub: `undefined` for nothing, `destroy` for no answer at all. */
    meets(page: string): Refusal | 'destroy' | undefined {
      if (expired.has(page)) return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }
      const refusal = refusals.get(page)
      if (!refusal || refusal.until < Date.now()) return undefined
      return refusal.answer ?? 'destroy'
    },
  }
}
