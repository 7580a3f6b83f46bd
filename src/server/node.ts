import { BaseConnection, type QueueOptions } from './connection.ts'
import { Exchange, type Refusal } from './exchange.ts'
import type { Bytes } from './frame.ts'

/** What is used of a Node request: http's and http2's, and so Express', Fastify's `request.raw` and Koa's `context.req`. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** What is used of a Node response. */
export interface NodeResponse {
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly writableLength: number
  writeHead(status: number, headers: Record<string, string>): unknown
  write(chunk: Uint8Array | string, callback?: (error: Error | null | undefined) => void): boolean
  end(text?: string): unknown
  destroy(error?: Error): unknown
  on(event: string, listener: () => void): unknown
  once(event: string, listener: () => void): unknown
}

/** What is used of the socket below an HTTP/1.1 response. */
interface NodeSocket {
  readonly writable: boolean
  readonly writableLength: number
  readonly destroyed: boolean
  write(chunk: Uint8Array, callback?: (error?: Error | null) => void): boolean
  cork(): void
  uncork(): void
  once(event: string, listener: () => void): unknown
  destroySoon?(): void
  resetAndDestroy?(): void
}

/** What Node's own responses have besides, documented or not. All of it is looked at, nothing of it is needed. */
interface Internals {
  readonly socket?: (NodeSocket & { readonly _httpMessage?: unknown }) | null
  readonly stream?:
    | { readonly destroyed?: boolean; close?(code: number): void; session?: { close?(): void } }
    | undefined
  readonly destroyed?: boolean
  readonly chunkedEncoding?: boolean
  readonly _header?: string | null
  setTimeout?(milliseconds: number): unknown
  hasHeader?(name: string): boolean
  flush?(): void
}

const ignore = (): void => {}

export class NodeExchange extends Exchange {
  readonly method: string
  readonly url: string
  readonly raw: NodeRequest
  readonly response: NodeResponse

  constructor(raw: NodeRequest, response: NodeResponse) {
    super()
    this.raw = raw
    this.response = response
    this.method = raw.method ?? 'GET'
    this.url = raw.url ?? '/'
  }

  // Asked for when it is needed: Node keeps what it answers with the socket.
  override get address(): string | undefined {
    return this.raw.socket?.remoteAddress
  }

  override header(name: string): string | undefined {
    const value = this.raw.headers[name]
    return typeof value === 'string' ? value : value?.join(', ')
  }

  override get answered(): boolean {
    return this.response.headersSent || this.response.writableEnded
  }

  override get gone(): boolean {
    const { destroyed, stream, socket } = this.response as Internals
    return destroyed || stream?.destroyed || socket?.destroyed || false
  }

  override refuse({ status, message = '', headers }: Refusal): void {
    if (this.gone || this.answered) return
    const body: Record<string, string> = message ? { 'Content-Type': 'text/plain; charset=utf-8' } : {}
    this.response.writeHead(status, { ...body, ...headers })
    this.response.end(this.method === 'HEAD' ? '' : message)
  }

  override open(head: Record<string, string>, lastEventId: string, options: QueueOptions): NodeConnection {
    return new NodeConnection(this.response, head, lastEventId, options)
  }
}

export class NodeConnection extends BaseConnection {
  readonly #response: NodeResponse
  readonly #socket: NodeSocket | undefined
  #drained: (() => void) | undefined

  constructor(response: NodeResponse, head: Record<string, string>, lastEventId: string, options: QueueOptions) {
    super(lastEventId, options)
    this.#response = response
    response.on('close', () => this.over())
    response.on('error', ignore)
    // A server's idle timeout would end a stream that is only quiet.
    ;(response as Internals).setTimeout?.(0)
    response.writeHead(200, head)
    response.write(':\n\n')
    // Node keeps the head for as long as the response, in the fifty pieces that it was put together from. Looking at
    // one of its characters makes V8 put them together, which saves 1 KiB per connection.
    ;(response as Internals)._header?.charCodeAt(0)
    this.#socket = directSocket(response)
  }

  protected override get held(): number {
    return (this.#socket ?? this.#response).writableLength
  }

  protected override transmit(bytes: Bytes, done: ((error?: unknown) => void) | undefined): boolean {
    const socket = this.#socket
    if (socket) {
      // Not writable: it is about to close, and writing would make that an error.
      if (!socket.writable || socket.write(bytes.chunk, done) || socket.writableLength === 0) return true
    } else {
      const clear = this.#response.write(bytes.payload, done)
      // A middleware that compresses keeps what it was given until it is told.
      ;(this.#response as Internals).flush?.()
      if (clear) return true
    }
    this.#drained ??= () => this.drained()
    ;(socket ?? this.#response).once('drain', this.#drained)
    return false
  }

  protected override drained(): void {
    // One system call for all that waited.
    this.#socket?.cork()
    super.drained()
    this.#socket?.uncork()
  }

  protected override finish(): void {
    const { socket, stream } = this.#response as Internals
    if (this.last) {
      // Kept alive for further requests, it would keep the process for as long.
      this.#response.once('finish', () => (stream ? stream.session?.close?.() : socket?.destroySoon?.()))
    }
    this.#response.end()
  }

  protected override destroy(): void {
    const { stream } = this.#response as Internals
    try {
      // With a reset the kernel forgets at once what the reader did not take. Only TCP can: TLS throws.
      if (this.#socket?.resetAndDestroy) this.#socket.resetAndDestroy()
      // HTTP/2: one stream of many, so its socket is not ours to close. RFC 9113 §7: 8 is CANCEL.
      else stream?.close?.(8)
    } catch {}
    this.#response.destroy()
  }
}

/**
 * The socket, where writing a chunk to it is the same as `response.write`: that frames the chunk anew for each reader,
 * which costs as much as sending it. Node does the same once the head is sent, no more and no less, if the response is
 * the one the socket is serving, is chunked, and nothing between us and the socket changes what is written. Wherever
 * that is not certain there is none, and the response is written to.
 */
function directSocket(response: NodeResponse): NodeSocket | undefined {
  const { socket, chunkedEncoding, hasHeader } = response as Internals
  const runtime = globalThis as { process?: { versions?: { node?: string; bun?: string } }; Deno?: unknown }
  // Others only resemble Node inside.
  if (!runtime.process?.versions?.node || runtime.process.versions.bun || runtime.Deno) return undefined
  if (!chunkedEncoding || socket?._httpMessage !== response) return undefined
  if (hasHeader?.call(response, 'content-encoding')) return undefined
  // Middleware that compresses, counts or records replaces `write` on the response or on a class of its own, and then
  // it is no longer the one that Node's own class has beside its inner workings.
  const base = owner(response, '_writeRaw')
  return base && ['write', '_send', 'end'].every((name) => name === 'end' || owner(response, name) === base)
    ? socket
    : undefined
}

function owner(object: object, name: string): object | undefined {
  let at: object | null = object
  while (at && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at)
  return at ?? undefined
}
