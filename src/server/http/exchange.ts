import type { NodeSocket } from './node-types.ts'

/** A request, seen the same way in Node and on the web. */
export interface HubRequest {
  /** The method, in upper case. */
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
  /** The status of the answer. 204 tells a standard reader not to return. */
  readonly status: number
  /** A line of text for people. Default: none. */
  readonly message?: string | undefined
  /** Headers of the answer. Default: none. */
  readonly headers?: Record<string, string> | undefined
}

/** Whom a stream belongs to. */
export interface Owner {
  /** More can be carried. */
  drained(): void
  /** Nothing can be carried any more. */
  over(): void
}

/** One request and its answer: a refusal, or a stream that bytes are then carried to. */
export abstract class Exchange implements HubRequest {
  owner: Owner | undefined
  /** How many bytes were handed over to be carried. */
  handed = 0
  abstract readonly method: string
  abstract readonly url: string
  abstract readonly address: string | undefined
  abstract readonly raw: unknown
  abstract header(name: string): string | undefined

  /** Whether somebody else has answered already. */
  abstract readonly answered: boolean
  /** Whether the reader has left already. */
  abstract readonly gone: boolean
  /** Resolves when the answer has something to be carried by; nothing where it has already. The reader may be gone by then. */
  abstract served(): Promise<void> | undefined
  abstract refuse(refusal: Refusal): void

  /** Sends the head and a first comment, and with them what is to be said at once: by itself it would cost a system call. All below is for after it. */
  abstract open(head: Record<string, string>, greeting?: string): void
  /** Where bytes can be written past the answer, framed already, by now. */
  abstract readonly socket: NodeSocket | undefined
  /** How many bytes were handed over and have not left. */
  abstract readonly held: number
  /** Changes whenever the reader has taken something of what it was sent. */
  abstract progress(): string
  /** Hands bytes over; `done` once they have left. False when no more is wanted until the owner is told that it drained. */
  abstract write(bytes: Uint8Array, done?: () => void): boolean
  /** Ends the stream after what was handed over; and, if it is the last, what carries it. */
  abstract end(last: boolean): void
  /** Ends the stream now, and lets go of what was handed over. */
  abstract destroy(): void
  /** Lets go of the request's body where nobody reads it: as long as it waits to be read, it hides that the reader has left. */
  abstract skipBody(): void

  query(name: string): string | undefined {
    if (!this.url.includes('?')) return undefined
    // Not `new URL`, which throws at what a client may well send.
    const query = this.url.split('#', 1)[0]?.split('?').slice(1).join('?')
    return new URLSearchParams(query).get(name) ?? undefined
  }
}

/** How many bytes are handed over at a time where a longer piece would hide whether the reader takes any of it. */
export const PIECE = 65_536
