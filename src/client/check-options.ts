import { fault } from '../check/check.ts'
import {
  anything,
  bound,
  callable,
  factor,
  flag,
  headersInit,
  milliseconds,
  object,
  oneOf,
  or,
  type Rule,
  type Rules,
  statuses,
  string,
  text,
  token,
} from '../check/rules.ts'
import { ConnectError } from './errors.ts'
import type { ConnectOptions, ConnectUrl } from './options.ts'

/**
 * The production build leaves out what this file does (its functions are empty there): a mistake in an option shows while a
 * program is written, and the table would cost each page a tenth of `connect`.
 */

/** What only goes through to fetch, which checks it itself: of the standard, and of runtimes that add to its types. */
const FETCH = [
  ...['cache', 'credentials', 'integrity', 'keepalive', 'mode', 'priority', 'referrer', 'referrerPolicy', 'window'],
  ...['duplex', 'dispatcher', 'attributionReporting', 'cf', 'next', 'client', 'tls', 'proxy', 'unix', 'verbose'],
]

/** RFC 9110 §9.1 and the Fetch Standard's "forbidden method": fetch refuses it at each attempt, as it would a network that is down. */
const METHOD: Rule = {
  is: (value) => token.is(value) && !/^(connect|trace|track)$/i.test(value as string),
  must: 'a method that fetch sends, such as GET or POST',
}

const RETRY: Rules = {
  when: callable,
  base: milliseconds,
  max: bound,
  longest: bound,
  factor,
  limit: bound,
  statuses,
  stable: milliseconds,
  jitter: flag,
  random: callable,
}

export const CONNECT: Rules = {
  ...Object.fromEntries(FETCH.map((name) => [name, anything])),
  headers: or(callable, headersInit),
  method: or(callable, METHOD),
  body: anything,
  redirect: oneOf('follow', 'error', 'manual'),
  signal: {
    is: (value) => value === null || typeof (value as AbortSignal | undefined)?.aborted === 'boolean',
    must: 'an AbortSignal',
  },
  fetch: callable,
  fetchOptions: object,
  retry: or(flag, callable, object),
  deadline: bound,
  connectTimeout: bound,
  idleTimeout: bound,
  lastEventId: string,
  lastEventIdParam: text,
  resume: object,
  idempotencyKey: or({ is: (value) => value === true, must: 'true' }, text),
  cursor: callable,
  dedupe: flag,
  dedupeSize: bound,
  until: or(callable, string),
  parse: or(callable, oneOf('json')),
  schemas: object,
  maxEventSize: bound,
  highWaterMark: bound,
  stallTimeout: bound,
  pauseWhenHidden: object,
  share: {
    is: (value) => callable.is((value as { turn?: unknown } | null)?.turn),
    must: 'shared(name), of unmissed/share',
  },
  unref: flag,
  ...Object.fromEntries(
    ['onUnauthorized', 'onOpen', 'onState', 'onError', 'onComment', 'onGap'].map((name) => [name, callable]),
  ),
}

/** What others call it, and what it is called here. */
export const MEANT: Readonly<Record<string, string>> = {
  url: 'the first argument of connect(url, options)',
  onMessage: 'connection.on(listener)',
  onmessage: 'connection.on(listener)',
  onEvent: 'connection.on(listener)',
  onClose: 'connection.closed',
  onclose: 'connection.closed',
  onReconnect: 'onState',
  withCredentials: "credentials: 'include'",
  timeout: 'connectTimeout, idleTimeout or deadline',
  heartbeatTimeout: 'idleTimeout',
  maxRetries: 'retry: { limit }',
  retries: 'retry: { limit }',
  reconnect: 'retry',
  openWhenHidden: 'pauseWhenHidden',
  schema: 'schemas: { message: schema }',
}

const HINT = 'what only the fetch of a runtime knows goes into fetchOptions'

/** Throws for what `connect` cannot mean. */
export function checkConnect(url: ConnectUrl, options: ConnectOptions): void {
  checkUrl(url)
  refuse(fault('connect', options, CONNECT, { meant: MEANT, hint: HINT }))
  checkParts(options)
}

/** Throws for what is no address, nor a function that gives one. What it says is asked later. */
export function checkUrl(url: unknown): void {
  const isUrl = typeof url === 'object' && typeof (url as URL | null)?.href === 'string'
  if (url && typeof url !== 'string' && typeof url !== 'function' && !isUrl)
    refuse('an address must be a string, a URL, or a function that gives one: connect(url, options)')
}

/** The options that have options. */
export function checkParts({ retry, resume, schemas, pauseWhenHidden }: ConnectOptions): void {
  if (typeof retry === 'object') refuse(fault('retry', retry, RETRY))
  if (resume) {
    const { load, save } = resume
    refuse(fault('resume', { load, save }, { load: callable, save: callable }))
    if (!load && !save) refuse('resume: load or save must be a function, as in storage(localStorage, key)')
  }
  if (pauseWhenHidden) refuse(fault('pauseWhenHidden', pauseWhenHidden, { after: milliseconds }))
  for (const [type, schema] of Object.entries(schemas ?? {}))
    if (typeof schema?.['~standard']?.validate !== 'function')
      refuse(`schemas: ${JSON.stringify(type)} must be a Standard Schema, as of zod, valibot or arktype`)
}

export function refuse(wrong: string | undefined): void {
  if (wrong) throw new ConnectError('invalid-option', wrong, false)
}
