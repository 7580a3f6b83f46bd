import { Exchange, type Refusal } from './exchange.ts'

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
  end(text: string): unknown
  destroy(error?: Error): unknown
  on(event: string, listener: () => void): unknown
  once(event: string, listener: () => void): unknown
}

/** What is used of the socket below an HTTP/1.1 response. */
export interface NodeSocket {
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
export interface Internals {
  readonly socket?: (NodeSocket & { readonly _httpMessage?: unknown }) | null
  readonly stream?: { readonly destroyed?: boolean; close?(code: number): void; session?: { close?(): void } }
  readonly destroyed?: boolean
  readonly chunkedEncoding?: boolean
  readonly _header?: unknown
  setTimeout?(milliseconds: number): unknown
  hasHeader?(name: string): boolean
  flush?(): void
}

/** A request of Node's http or http2. */
export class NodeExchange extends Exchange {
  readonly raw: NodeRequest
  readonly response: NodeResponse & Internals
  #draining = false

  constructor(raw: NodeRequest, response: NodeResponse) {
    super()
    this.raw = raw
    this.response = response as NodeResponse & Internals
  }

  get method(): string {
    return this.raw.method ?? 'GET'
  }

  get url(): string {
    return this.raw.url ?? '/'
  }

  // Asked for when it is needed: Node keeps what it answers with the socket.
  get address(): string | undefined {
    return this.raw.socket?.remoteAddress
  }

  header(name: string): string | undefined {
    return this.raw.headers[name]?.toString()
  }

  get answered(): boolean {
    return this.response.headersSent || this.response.writableEnded
  }

  get gone(): boolean {
    const { destroyed, stream, socket } = this.response
    return !!(destroyed || stream?.destroyed || socket?.destroyed)
  }

  refuse({ status, message, headers }: Refusal): void {
    if (this.gone || this.answered) return
    this.response.writeHead(status, { ...(message && { 'Content-Type': 'text/plain; charset=utf-8' }), ...headers })
    this.response.end(message ?? '')
  }

  open(head: Record<string, string>): void {
    const { response } = this
    response.on('close', () => this.owner?.over())
    // What is to be known of it, `close` tells.
    response.on('error', () => {})
    // A server's idle timeout would end a stream that is only quiet.
    response.setTimeout?.(0)
    response.writeHead(200, head)
    response.write(':\n\n')
    // Node keeps the head for as long as the response, in the fifty pieces that it was put together from. Looking at
    // one of its characters makes V8 put them together, which saves 1 KiB per connection.
    if (typeof response._header === 'string') response._header.charCodeAt(0)
  }

  get held(): number {
    return this.response.writableLength
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    const clear = this.response.write(bytes, done && ((error) => error || done()))
    // A middleware that compresses keeps what it was given until it is told.
    this.response.flush?.()
    if (!clear && !this.#draining) {
      this.#draining = true
      this.response.once('drain', () => {
        this.#draining = false
        this.owner?.drained()
      })
    }
    return clear
  }

  end(last: boolean): void {
    const { response } = this
    const { socket, stream } = response
    const session = stream?.session
    // Kept alive for further requests, it would keep the process for as long.
    if (last) response.once('finish', () => (stream ? session?.close?.() : socket?.destroySoon?.()))
    response.end('')
  }

  destroy(): void {
    const { socket, stream } = this.response
    try {
      // HTTP/2: one stream of many, so the socket is not ours to close. RFC 9113 §7: 8 is CANCEL.
      if (stream) stream.close?.(8)
      // With a reset the kernel forgets at once what the reader did not take. Only TCP can: TLS throws.
      else socket?.resetAndDestroy?.()
    } catch {}
    this.response.destroy()
  }
}
