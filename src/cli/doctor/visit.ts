import { type IncomingHttpHeaders, type IncomingMessage, request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { Readable } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { createParser } from '../../protocol/parser.ts'

/** An event, and when it came, in milliseconds after the head. */
export interface SeenEvent {
  readonly id: string
  /** Whether it has an id of its own, and not the one before it. */
  readonly hasId: boolean
  readonly at: number
}

/** Bytes that came together, in milliseconds after the head. */
export interface Piece {
  readonly at: number
  readonly size: number
}

/** What one request was answered. */
export interface Visit {
  readonly status: number
  readonly version: string
  readonly headers: IncomingHttpHeaders
  /** How long the head took, in milliseconds. */
  readonly head: number
  readonly pieces: readonly Piece[]
  readonly events: readonly SeenEvent[]
  readonly comments: number
  readonly retry: number | undefined
  /** Whether all of it was UTF-8. */
  readonly isText: boolean
  /** How much of a last event came without the blank line that ends it, in characters. */
  readonly rest: number
  /** Whether we left, it ended, or it broke. */
  readonly end: 'left' | 'ended' | 'broke'
  /** How long it was listened to after the head, in milliseconds. */
  readonly lasted: number
}

/** What is asked for, and for how long it is listened to. */
export interface Asked {
  readonly url: URL
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string | undefined
  /** How long to wait for the head, and to listen, in milliseconds. */
  readonly wait: number
  /** Whether all is known that is to be known. */
  isEnough?(events: readonly SeenEvent[]): boolean
}

/** Asks by hand: what fetch would hide is what a doctor looks at. Rejects where there is no answer. */
export async function visit(asked: Asked): Promise<Visit> {
  const began = performance.now()
  const message = await answer(asked)
  const headAt = performance.now()
  const heard = await listen(message, asked, headAt)
  return {
    status: message.statusCode ?? 0,
    version: message.httpVersion,
    headers: message.headers,
    head: headAt - began,
    lasted: performance.now() - headAt,
    ...heard,
  }
}

export function answer({ url, method, headers, body, wait }: Asked): Promise<IncomingMessage> {
  const make = url.protocol === 'https:' ? secure : plain
  return new Promise((resolve, reject) => {
    const request = make(url, { method, headers, agent: false }, resolve)
    request.setTimeout(wait, () => request.destroy(new Error(`no answer in ${wait} ms`)))
    request.on('error', reject)
    request.end(body)
  })
}

type Heard = Pick<Visit, 'pieces' | 'events' | 'comments' | 'retry' | 'isText' | 'rest' | 'end'>

async function listen(message: IncomingMessage, { wait, isEnough }: Asked, headAt: number): Promise<Heard> {
  const now = () => performance.now() - headAt
  const pieces: Piece[] = []
  const text = new Text(now)
  let end: Visit['end'] = 'left'
  const body = decompressed(message)
  const timer = setTimeout(() => message.destroy(), wait)
  message.setTimeout(0)
  message.on('data', ({ length }: Buffer) => pieces.push({ at: now(), size: length }))
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      text.push(chunk)
      if (isEnough?.(text.events)) break
    }
    if (message.complete) end = 'ended'
  } catch {
    // Cut off by us, or by somebody else.
    if (now() < wait) end = 'broke'
  } finally {
    clearTimeout(timer)
    message.destroy()
  }
  const { events, comments, retry, isText, rest } = text
  return { pieces, events, comments, retry, isText, rest: end === 'left' ? 0 : rest, end }
}

/** What is said in a body. */
class Text {
  readonly events: SeenEvent[] = []
  comments = 0
  retry: number | undefined
  isText = true
  #tail = ''
  #hasId = false
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #parser

  constructor(now: () => number) {
    this.#parser = createParser({
      onId: (_, hasEvent) => {
        this.#hasId = hasEvent
      },
      onEvent: ({ id }) => {
        this.events.push({ id, hasId: this.#hasId, at: now() })
        this.#hasId = false
      },
      onRetry: (milliseconds) => {
        this.retry = milliseconds
      },
      onComment: () => this.comments++,
    })
  }

  push(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true })
    if (text.includes('\uFFFD')) this.isText = false
    // From the last blank line on: what is left of it at the end was never an event.
    this.#tail = (this.#tail + text).split(/\r\n\r\n|\n\n|\r\r/).at(-1) ?? ''
    this.#parser.push(text)
  }

  /** How much of a last event came, in characters. */
  get rest(): number {
    return this.#tail.trim().length
  }
}

function decompressed(message: IncomingMessage): Readable {
  const flush = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
  const brotli = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }
  const make = {
    gzip: () => createGunzip(flush),
    deflate: () => createInflate(flush),
    br: () => createBrotliDecompress(brotli),
  }[String(message.headers['content-encoding'])]
  if (!make) return message
  const through = make()
  message.on('error', (error) => through.destroy(error)).on('close', () => through.end())
  return message.pipe(through)
}
