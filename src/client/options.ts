import type { ServerSentEvent } from '../protocol/event.ts'
import type { Outcome } from '../protocol/outcome.ts'
import type { ConnectError } from './errors.ts'
import type { Resume } from './resume.ts'
import type { Failure, RetryOptions } from './retry.ts'
import type { Parse, Schemas } from './schema.ts'
import type { Share } from './share.ts'
import type { BodyInit, HeadersInit, RequestRedirect } from './web-types.ts'

/** What is known when an attempt begins. */
export interface AttemptInfo {
  /** 1 for the first attempt after each healthy period, then counted up. */
  readonly attempt: number
  /** What the attempt resumes after; `''` where there is nothing yet. */
  readonly lastEventId: string
}

/** How to stop listening. */
export interface ListenOptions {
  /** Stops it when it aborts. Default: none. */
  readonly signal?: AbortSignal | undefined
}

type Changing<T> = T | ((info: AttemptInfo) => T | Promise<T>)

/** An address, or a function of the attempt that gives one. */
export type ConnectUrl = Changing<string | URL>

export type State = 'connecting' | 'open' | 'waiting' | 'paused' | 'closed'

/** Why a connection is over: by `close()`, by its signal, by the end of a stream that is not repeated, by a 204, by an error. */
export type CloseReason = 'closed' | 'aborted' | 'ended' | 'stopped' | 'failed'

/** What a connection is at one moment; never changed, only replaced. */
export interface Snapshot {
  readonly state: State
  /** The number of the attempt, 1 after each healthy period. */
  readonly attempt: number
  /** Milliseconds until the next attempt, while `waiting`. */
  readonly delay: number | undefined
  /** What went wrong last; `undefined` again once the stream is open. */
  readonly error: ConnectError | undefined
  /** The id of the newest event that everybody has handled: what another connection should resume after. */
  readonly lastEventId: string
  /** How the run ended that was read; nothing before, nor of a stream that is none. */
  readonly outcome: Outcome | undefined
}

/** Events that the server says are lost. */
export interface Gap {
  /** The id that was asked for. */
  readonly asked: string
  /** The id that the stream goes on after, where the server says it. */
  readonly resumed: string | undefined
  /** The server's own account, the data of its `gap` event, where it sends one. */
  readonly data: string | undefined
}

export interface ConnectOptions extends Omit<RequestInit, 'body' | 'headers' | 'method' | 'redirect' | 'signal'> {
  /** Sent with each request. A function is called anew for every attempt, so a token may change. Default: none. */
  headers?: Changing<HeadersInit | undefined> | undefined
  /** The method, or a function of the attempt. Default: GET. */
  method?: Changing<string | undefined> | undefined
  /** The body, or a function of the attempt. Default: none. */
  body?: Changing<BodyInit | null | undefined> | undefined
  /** Whether `fetch` follows redirects by itself, with the caller's headers, or refuses them. Default: followed by hand, at another origin without the caller's headers; in browsers, which hide redirects, `follow`. */
  redirect?: RequestRedirect | undefined
  /** Closes the connection when it aborts. Default: none. */
  signal?: AbortSignal | null | undefined
  /** What makes the requests. Default: the global fetch of that moment. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /** What only the fetch of a runtime knows: Node's `dispatcher`, Deno's `client`, Bun's `tls`, Cloudflare's `cf`, Next's `next`. Default: none. */
  fetchOptions?: Readonly<Record<string, unknown>> | undefined
  /**
   * Whether and when to try again: false for never, numbers for the default policy, or a function that answers false, true
   * or milliseconds; with numbers beside it, it is their `when`. Default: the default policy for GET without a body, else false, because a repeated POST may cost money.
   */
  retry?: boolean | RetryOptions | ((failure: Failure) => boolean | number) | undefined
  /** How long the connection may live in all, in milliseconds; then it fails with `deadline`. Default: for ever. */
  deadline?: number | undefined
  /** How long an answer may take to begin, in milliseconds; 0 for ever. Default: 30000, and 0 for what is not repeated. */
  connectTimeout?: number | undefined
  /** How long an open stream may be silent, in milliseconds; any byte counts, 0 for ever. Default: 2.5 heartbeats where the server announces them, else 0. */
  idleTimeout?: number | undefined
  /** The id to resume after at the first attempt. Default: none. */
  lastEventId?: string | undefined
  /** A query parameter that carries the id instead of the `Last-Event-ID` header, which costs a CORS preflight. Default: none. */
  lastEventIdParam?: string | undefined
  /** Makes a request that is not safe, such as a POST, one that may be repeated when no answer came: it is sent as `Idempotency-Key`, the same each time; `true` for one that is made for this connection. Default: none. */
  idempotencyKey?: string | true | undefined
  /** Keeps the id over a reload, and the address of a run; see `storage`. Default: none. */
  resume?: Resume | undefined
  /** Finds the id to resume after in an event, for services that keep it in the data. It is given to `url`, `headers` and `body`, and sent only as `lastEventIdParam`. Default: the id of the event. */
  cursor?: ((event: ServerSentEvent) => string | undefined) | undefined
  /** Whether a later answer's events are dropped when their id was delivered already. Default: true where the server announces unique ids, else false. */
  dedupe?: boolean | undefined
  /** How many ids are remembered for that. Default: 1024. */
  dedupeSize?: number | undefined
  /** Ends the connection cleanly: at an event with exactly this data, which is not delivered, or after one for which the function answers true. Default: none. */
  until?: string | ((event: ServerSentEvent) => boolean) | undefined
  /** How the text of events becomes data: JSON, or a function. Default: as it is; JSON where the type has a schema. */
  parse?: Parse | undefined
  /** Standard Schemas (zod, valibot, …) by type of event. What they refuse goes to `onError`, and the stream lives on. Default: none. */
  schemas?: Schemas | undefined
  /** The most text kept for one event, in UTF-16 units; beyond it the connection fails with `event-too-large`. Default: 16777216. */
  maxEventSize?: number | undefined
  /** How many events wait for one `for await`, at least 1; then the body is no longer read, which the server feels. Default: 64. */
  highWaterMark?: number | undefined
  /** How long a `for await` for which no more may wait may take nothing, in milliseconds; then `onError` is told `consumer-stalled`, and if it holds up others it ends with that error, after what waits for it. 0 for ever. Default: 60000. */
  stallTimeout?: number | undefined
  /** Pauses when the page is hidden for `after` milliseconds, until it is seen again; not a request that may not be repeated. Default: none, hidden pages stay connected. */
  pauseWhenHidden?: { readonly after: number } | undefined
  /** Makes it one connection for all tabs: `shared` of `unmissed/share`. Default: each has its own. */
  share?: Share | undefined
  /** Whether our timers let a Node process exit. Default: false. */
  unref?: boolean | undefined
  /** Asked at a 401 or 403, once per healthy period; then the attempt is repeated at once. Answer false, or throw, to fail. Default: none. */
  onUnauthorized?: ((error: ConnectError) => unknown) | undefined
  /** Called when a stream opens, with its answer. Default: none. */
  onOpen?: ((response: Response) => unknown) | undefined
  /** Called with the snapshot of each new state. Default: none. */
  onState?: ((snapshot: Snapshot) => unknown) | undefined
  /** Called with each error, also those that are met by another attempt. Default: none. */
  onError?: ((error: ConnectError) => unknown) | undefined
  /** Called with the text of each comment. Default: none. */
  onComment?: ((text: string) => unknown) | undefined
  /** Called when the server says that events were lost. Default: none. */
  onGap?: ((gap: Gap) => unknown) | undefined
}
