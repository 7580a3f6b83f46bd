import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import type { ServerSentEvent } from '../../src/protocol/event.ts'
import { createParser } from '../../src/protocol/parser.ts'

/** One body, read over real HTTP, without a client of ours between: what is on the wire is what a test sees. */
export interface Reader {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly events: readonly ServerSentEvent[]
  readonly comments: readonly string[]
  /** The undecoded bytes of the body so far. */
  readonly bytes: Buffer
  /** Resolves when so many events have been read; rejects when the body ends before. */
  until(count: number): Promise<readonly ServerSentEvent[]>
  /** Resolves when the body is over, however it ended. */
  readonly ended: Promise<void>
  /** Drops the connection without a word, as a phone in a tunnel does. */
  drop(): void
  pause(): void
  resume(): void
}

export interface ReaderOptions {
  lastEventId?: string | undefined
  headers?: Record<string, string> | undefined
  /** Called for every event, after it was kept. */
  onEvent?: ((event: ServerSentEvent) => void) | undefined
  /** Keep the raw bytes. Default: false. */
  raw?: boolean | undefined
}

/** Resolves when the head of the answer is there. */
export async function open(url: string, options: ReaderOptions = {}): Promise<Reader> {
  const { lastEventId } = options
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId && { 'last-event-id': lastEventId }),
      ...options.headers,
    }
    get(url, { agent: false, headers }, resolve).on('error', reject)
  })
  const events: ServerSentEvent[] = []
  const comments: string[] = []
  const chunks: Buffer[] = []
  const waiting = new Set<{ count: number; resolve: () => void; reject: (reason: Error) => void }>()
  let over = false
  const parser = createParser({
    lastEventId,
    onComment: (text) => comments.push(text),
    onEvent(event) {
      events.push(event)
      options.onEvent?.(event)
    },
  })
  // As browsers do, and curl when it is asked to.
  const body = response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response
  body.on('data', (chunk: Buffer) => {
    if (options.raw) chunks.push(chunk)
    parser.push(chunk)
    for (const wait of waiting) if (events.length >= wait.count) wait.resolve()
  })
  const ended = new Promise<void>((resolve) => {
    response.on('error', () => {})
    response.on('close', () => {
      over = true
      for (const wait of waiting)
        wait.reject(new Error(`the body ended after ${events.length} of ${wait.count} events`))
      resolve()
    })
  })
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    comments,
    ended,
    get bytes() {
      return Buffer.concat(chunks)
    },
    async until(count) {
      if (events.length < count) {
        if (over) throw new Error(`the body ended after ${events.length} of ${count} events`)
        await new Promise<void>((resolve, reject) => {
          const wait = { count, resolve, reject }
          waiting.add(wait)
        })
        for (const wait of waiting) if (events.length >= wait.count) waiting.delete(wait)
      }
      return events
    },
    drop: () => void response.destroy(),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
  }
}
