import type { ConnectOptions } from '../client/options.ts'

/** The standard's dictionary, and after it what goes beyond the standard: only for whoever asks for it. */
export interface EventSourceInit {
  /** Whether cookies go along to another origin. Default: false. */
  withCredentials?: boolean | undefined
  /** Sent with each request. A function is called anew for every attempt, so a token may change. Default: none. */
  headers?: ConnectOptions['headers']
  /** What makes the requests. Default: the global fetch of that moment. */
  fetch?: ConnectOptions['fetch']
  /** What a relative URL is relative to. Default: the document or the worker's script; none elsewhere. */
  baseURL?: string | URL | undefined
  /** The id to resume after at the first attempt. Default: none. */
  lastEventId?: string | undefined
  /** How long an open stream may be silent, in milliseconds; any byte counts, 0 for ever. Default: 0. */
  idleTimeout?: number | undefined
  /** When to come back. Default: as the standard says. */
  retry?: EventSourceRetry | undefined
  /** The most text kept for one event, in UTF-16 units; beyond it the connection fails. Default: 16777216. */
  maxEventSize?: number | undefined
}

export interface EventSourceRetry {
  /** The reconnection time in milliseconds, until the server gives one. Default: 3000. */
  base?: number | undefined
  /** The longest wait in milliseconds while attempts fail, where the server does not ask for a longer one. Default: 30000. */
  max?: number | undefined
  /** What the wait grows by with each attempt that fails. Default: 2. */
  factor?: number | undefined
  /** The statuses after which to come back rather than fail, at `Retry-After` or later. Default: none. */
  statuses?: readonly number[] | undefined
  /** A number from 0 to 1, for the jitter while attempts fail. Default: Math.random. */
  random?: (() => number) | undefined
}
