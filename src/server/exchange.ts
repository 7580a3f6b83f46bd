import type { BaseConnection, QueueOptions } from './connection.ts'

/** A request, seen the same way in Node and on the web. */
export interface HubRequest {
  readonly method: string
  /** As the server was given it: a path with its query in Node, a whole address on the web. It may hold a token: do not log it. */
  readonly url: string
  /** Where the request came from: the socket's address in Node, nothing on the web. */
  readonly address: string | undefined
  /** The request itself: an `IncomingMessage`, a `Request`. */
  readonly raw: unknown
  /** The value of a header, by its name in lower case. */
  header(name: string): string | undefined
  /** The first value of a query parameter. */
  query(name: string): string | undefined
}

/** Why a request gets no stream: what it is answered instead. */
export interface Refusal {
  readonly status: number
  /** A line of text for people. Default: none. */
  readonly message?: string | undefined
  readonly headers?: Record<string, string> | undefined
}

/** One request and the one way to answer it. */
export abstract class Exchange implements HubRequest {
  abstract readonly method: string
  abstract readonly url: string
  abstract readonly address: string | undefined
  abstract readonly raw: unknown

  abstract header(name: string): string | undefined
  /** Whether somebody else has answered already. */
  abstract get answered(): boolean
  /** Whether the reader has left already. */
  abstract get gone(): boolean
  abstract refuse(refusal: Refusal): void
  abstract open(head: Record<string, string>, lastEventId: string, options: QueueOptions): BaseConnection

  query(name: string): string | undefined {
    const { url } = this
    const start = url.indexOf('?')
    // Not `new URL`, which throws at what a client may well send.
    return start < 0 ? undefined : (new URLSearchParams(url.slice(start + 1).split('#', 1)[0]).get(name) ?? undefined)
  }
}
