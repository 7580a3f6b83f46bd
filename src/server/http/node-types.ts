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
  readonly _httpMessage?: unknown
  /** What Node itself asks to see whether a slow write goes on: how much of it the kernel has not taken. */
  readonly _handle?: { readonly writeQueueSize?: number } | null
  write(chunk: Uint8Array, callback?: (error?: Error | null) => void): boolean
  cork(): void
  uncork(): void
  on(event: string, listener: () => void): unknown
  once(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
  destroySoon?(): void
  resetAndDestroy?(): void
}

/** What Node's own responses have besides, documented or not. All of it is looked at, nothing of it is needed. */
export interface Internals {
  readonly socket?: NodeSocket | null
  readonly stream?: { readonly destroyed?: boolean; close?(code: number): void; session?: { close?(): void } }
  readonly destroyed?: boolean
  readonly chunkedEncoding?: boolean
  _header?: unknown
  /** Whether the head was handed to the socket. */
  readonly _headerSent?: boolean
  setTimeout?(milliseconds: number): unknown
  hasHeader?(name: string): boolean
  getHeader?(name: string): unknown
  flush?(): void
  off?(event: string, listener: () => void): unknown
}

/** The same of a request. */
export interface RequestInternals {
  readonly socket?: Partial<NodeSocket> | null
  readonly readableFlowing?: boolean | null
  resume?(): unknown
}
