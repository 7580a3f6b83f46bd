import { OptionError } from '../check.ts'
import { Exchange, PIECE, type Refusal } from './exchange.ts'
import { joined, merged } from './headers.ts'
import { directSocket, writesAsNode } from './native.ts'
import type { Internals, NodeRequest, NodeResponse, NodeSocket, RequestInternals } from './node-types.ts'
import { Pieces } from './pieces.ts'
import { account } from './problem.ts'
import { onSocketClose } from './socket-close.ts'

const ignore = (): void => {}
/** What is left of a head that was sent. */
const SENT = 'HTTP/1.1 200 OK\r\n\r\n'

/** A request of Node's http or http2. */
export class NodeExchange extends Exchange {
  readonly raw: NodeRequest
  readonly response: NodeResponse & Internals
  /** Whether what carries the bytes is listened to, and whether it has to be heard of. */
  #listens = false
  #draining = false
  #flushes = false
  /** Who waits for what was written, where nobody calls back. */
  #undrained: Array<() => void> | undefined
  /** Whether nobody between us and Node keeps our callbacks to himself. */
  #callsBack = false
  #socket: NodeSocket | undefined
  /** What HTTP/2 is given piece by piece. */
  #pieces: Pieces | undefined

  /** Throws for what is no response of Node's: frameworks hand on one of their own that holds it. */
  constructor(raw: NodeRequest, response: NodeResponse) {
    super()
    if (typeof response?.writeHead !== 'function' || typeof raw?.headers !== 'object') {
      throw new OptionError(
        'expected a request and a response of Node’s, such as request.raw and reply.raw of Fastify, context.req and context.res of Koa',
      )
    }
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
    if (stream) return !!(destroyed || stream.destroyed)
    return !!(destroyed || socket?.destroyed || (this.raw as RequestInternals).socket?.destroyed)
  }

  /**
   * Pipelined requests (RFC 9112 §9.3.2) wait for the answers before theirs. Until its turn has come a response has no
   * socket, and does not hear that the one it waits for is gone: the request's own socket tells.
   */
  served(): Promise<void> | undefined {
    const { response } = this
    const { socket } = this.raw as RequestInternals
    if (!this.#isQueued || !socket?._httpMessage) return undefined
    return new Promise((resolve) => {
      const settle = (): void => {
        undo()
        response.off?.('socket', settle)
        resolve()
      }
      const undo = onSocketClose(socket as NodeSocket, settle)
      response.once('socket', settle)
    })
  }

  get #isQueued(): boolean {
    const { socket, stream } = this.response
    return socket === null && !stream
  }

  refuse(refusal: Refusal): void {
    if (this.gone || this.answered) return
    const said = account(refusal, this.header('accept'))
    this.response.writeHead(refusal.status, this.#join(merged(said?.headers, refusal.headers)))
    this.response.end(said?.body ?? '')
  }

  open(head: Record<string, string>, greeting = ''): void {
    const { response } = this
    const over = (): void => this.owner?.over()
    response.on('close', over)
    if (this.#isQueued) onSocketClose(this.raw.socket as unknown as NodeSocket, over)
    // What is to be known of it, `close` tells.
    response.on('error', ignore)
    // A server's idle timeout would end a stream that is only quiet.
    response.setTimeout?.(0)
    response.writeHead(200, this.#join(head))
    response.write(`:\n\n${greeting}`)
    // Node keeps the head for as long as the response, and asks no more than whether there is one. In the fifty pieces
    // that it was put together from it takes 1.3 KiB of each connection.
    if (response._headerSent && typeof response._header === 'string') response._header = SENT
    this.#callsBack = writesAsNode(response)
    this.#socket = this.#callsBack ? directSocket(response) : undefined
  }

  // Node 26 keeps the head until the end of the turn: what goes past it before would come before it.
  get socket(): NodeSocket | undefined {
    return this.response._headerSent === false ? undefined : this.#socket
  }

  get held(): number {
    return this.response.writableLength + (this.#pieces?.size ?? 0)
  }

  // One write of many megabytes is one piece to Node's streams; the socket's handle knows what is left of it.
  progress(): string {
    const handle = this.response.stream ? undefined : (this.raw as RequestInternals).socket?._handle
    return `${this.handed - this.held} ${handle?.writeQueueSize}`
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    this.handed += bytes.length
    if (this.response.stream && (this.#pieces || bytes.length > PIECE)) {
      this.#pieces ??= new Pieces(this.response, () => this.#whenWritten())
      this.#pieces.add(bytes, done)
      return false
    }
    const clear = this.response.write(bytes, done && this.#callsBack ? (error) => error || done() : undefined)
    if (this.response.flush) this.#flush()
    if (clear && done && !this.#callsBack) done()
    if (!clear) this.#whenDrained(done)
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

  skipBody(): void {
    const request = this.raw as RequestInternals
    if (request.readableFlowing === null) request.resume?.()
  }

  /** What earlier middleware has said stays said. */
  #join(headers: Record<string, string>): Record<string, string> {
    return joined(headers, (name) => this.response.getHeader?.(name))
  }

  // A middleware that compresses keeps what it was given until it is told: once for all that is written together, since each
  // time costs more than the writing.
  #flush(): void {
    if (this.#flushes) return
    this.#flushes = true
    queueMicrotask(() => {
      this.#flushes = false
      this.response.flush?.()
    })
  }

  // Listened to for good: a middleware that compresses moves listeners to a stream of its own, where `once` does not find
  // them again to take them away.
  #whenDrained(done: (() => void) | undefined): void {
    if (done && !this.#callsBack) {
      this.#undrained ??= []
      this.#undrained.push(done)
    }
    this.#draining = true
    if (this.#listens) return
    this.#listens = true
    this.response.on('drain', () => {
      if (!this.#draining) return
      this.#draining = false
      for (const waiting of this.#undrained?.splice(0) ?? []) waiting()
      this.owner?.drained()
    })
  }

  #whenWritten(): void {
    this.#pieces = undefined
    this.owner?.drained()
  }
}
