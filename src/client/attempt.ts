import { isEventStream } from '../protocol/content-type.ts'
import { delay } from './delay.ts'
import { ConnectError, type ConnectErrorCode } from './errors.ts'
import type { AttemptInfo, ConnectOptions, ConnectUrl } from './options.ts'
import type { Platform } from './platform.ts'
import { isSafe, send, type Target } from './redirect.ts'
import { LONGEST_ID, toBytes, UNSENDABLE } from './resume.ts'
import { isRetryable } from './retry.ts'
import { heed } from './turn.ts'

export interface AttemptContext {
  readonly url: ConnectUrl
  readonly options: ConnectOptions
  readonly info: AttemptInfo
  readonly platform: Platform
  /** The live id; `undefined` while there never was one. */
  readonly id: string | undefined
  /** The origin whose stream named the id. */
  readonly idOrigin: string | undefined
  readonly signal: AbortSignal
  /** Called just before the request is sent, with whether it may be sent twice: a safe method without a body. */
  onRequest(isRepeatable: boolean): void
  onWarning(error: ConnectError): void
}

/** An accepted answer, and the origin that gave it. */
export interface Answer {
  readonly response: Response
  readonly origin: string
}

/** How much of a refused body is told, in UTF-16 units, and how many milliseconds it may take to come. */
const BODY_PIECE = 2048
const BODY_WAIT = 1000

/** Makes one request. Resolves to its answer, or to `undefined` where the server asks us to stop (204). */
export async function attempt(context: AttemptContext): Promise<Answer | undefined> {
  const { options, platform, signal, idOrigin } = context
  const target = await prepare(context)
  context.onRequest(isSafe(target.method) && target.body == null)
  const response = await send(target, options, platform, idOrigin, signal)
  const { status, headers, body } = response
  const type = headers.get('content-type')
  // What a refused body says at its beginning. It is cancelled, and never waited for long: it may be endless, or silent.
  async function refuse(code: ConnectErrorCode, message: string, retryable: boolean) {
    const reader = body?.getReader()
    const first = await Promise.race([reader?.read().catch(() => {}), delay(BODY_WAIT, signal, options.unref)])
    reader?.cancel().catch(() => {})
    const piece = first?.value && new TextDecoder().decode(first.value).slice(0, BODY_PIECE)
    throw new ConnectError(code, message, retryable, { response, body: piece })
  }
  if (status === 204) return undefined
  if (status !== 200) await refuse('status', `Status ${status}`, isRetryable(status, Object(options.retry).statuses))
  if (!isEventStream(type)) await refuse('content-type', `${type} is not text/event-stream`, false)
  // `null` is an empty body; React Native's fetch has none at all.
  if (body === undefined) await refuse('no-body', 'This fetch cannot stream: pass { fetch } from "expo/fetch"', false)
  // Where fetch followed by itself, only the answer knows the last address.
  return { response, origin: new URL((platform.guarded && response.url) || target.url).origin }
}

type Changing<T> = T | ((info: AttemptInfo) => T | Promise<T>)

async function prepare({ url, options, info, platform, id, signal, onWarning }: AttemptContext): Promise<Target> {
  const { method, headers: given, body, lastEventIdParam: param, cursor } = options
  const now = async <T>(value: Changing<T>) =>
    typeof value === 'function' ? (value as (info: AttemptInfo) => T)(info) : value
  const target: Target = {
    url: new URL(await now(url), globalThis.document?.baseURI ?? globalThis.location?.href),
    headers: new Headers(await now(given)),
    method: (await now(method)) ?? 'GET',
    body: await now(body),
  }
  heed(signal)
  const { headers } = target
  const set = (name: string, value: string) => headers.has(name) || headers.set(name, value)
  set('accept', 'text/event-stream')
  if (!platform.guarded) set('cache-control', 'no-cache')
  // The caller's own header counts until there is a live id; then that one goes, or none.
  if (id !== undefined) headers.delete('last-event-id')
  if (id) {
    const bytes = toBytes(id)
    if (bytes.length > LONGEST_ID)
      onWarning(new ConnectError('unsendable-id', 'The last event id is too long to be sent'))
    else if (param || UNSENDABLE.test(bytes)) target.url.searchParams.set(param ?? 'lastEventId', id)
    else if (!cursor) set('last-event-id', platform.encodes ? id : bytes)
  }
  return target
}
