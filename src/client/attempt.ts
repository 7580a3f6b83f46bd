import { isEventStream } from '../protocol/content-type.ts'
import { delay } from './delay.ts'
import { ConnectError, type ConnectErrorCode, nameOf } from './errors.ts'
import { toAddress, toHeaders } from './mistakes.ts'
import type { AttemptInfo, ConnectUrl } from './options.ts'
import { isSafe, moveTo, type SendContext, send, type Target } from './redirect.ts'
import { LONGEST_ID, toBytes, UNSENDABLE } from './resume.ts'
import { isRetryable, type RetryOptions } from './retry.ts'
import { throwIfAborted } from './step.ts'

export interface AttemptContext extends SendContext {
  readonly url: ConnectUrl
  readonly info: AttemptInfo
  readonly policy: RetryOptions
  /** Where the answer can be had again by GET, once a server has said so. */
  readonly resource: URL | undefined
  /** What makes the request safe to repeat. */
  readonly key: string | undefined
  /** The live id; `undefined` while there never was one. */
  readonly id: string | undefined
  /** Called just before the request is sent, with its name, and whether it may be sent twice: a safe method without a body. */
  onRequest(where: string, isRepeatable: boolean): void
}

/** An accepted answer, and the address that gave it. */
export interface Answer {
  readonly response: Response
  readonly url: URL
}

/** How much of a refused body is told, in bytes, and how many milliseconds it may take to come. */
const BODY_PIECE = 2048
const BODY_WAIT = 1000

/** Makes one request. Resolves to its answer, or to `undefined` where the server asks us to stop (204). */
export async function attempt(context: AttemptContext): Promise<Answer | undefined> {
  const { platform, policy } = context
  const target = await prepare(context)
  context.onRequest(nameOf(target.method, target.url), isSafe(target.method) && target.body == null)
  const response = await send(target, context)
  const { status, headers, body } = response
  const type = headers.get('content-type')
  const refuse = (code: ConnectErrorCode, message: string, retryable = false) =>
    refused(response, nameOf(target.method, target.url), context, code, message, retryable)
  if (status === 204) return undefined
  if (status !== 200) await refuse('status', `status ${status}, not 200`, isRetryable(status, policy.statuses))
  if (!isEventStream(type)) await refuse('content-type', `${type}, not text/event-stream`)
  // `null` is an empty body; React Native's fetch has none at all.
  if (body === undefined) await refuse('no-body', 'this fetch cannot stream: pass { fetch } from "expo/fetch"')
  // Where fetch followed by itself, only the answer knows the last address.
  return { response, url: new URL((platform.guarded && response.url) || target.url) }
}

/** Throws with what a refused body says at its beginning. It is cancelled, and never waited for long: it may be endless, or silent. */
async function refused(
  response: Response,
  where: string,
  { options, signal }: AttemptContext,
  code: ConnectErrorCode,
  message: string,
  retryable: boolean,
): Promise<never> {
  const reader = response.body?.getReader()
  const first = await Promise.race([reader?.read().catch(() => {}), delay(BODY_WAIT, signal, options.unref)])
  reader?.cancel().catch(() => {})
  // Only these bytes: a piece of a longer text would keep all of it, and a character that is cut in two is left out.
  const bytes = first?.value?.subarray(0, BODY_PIECE)
  const body = bytes && new TextDecoder().decode(bytes, { stream: true })
  throw new ConnectError(code, message, retryable, { where, response, body })
}

type Changing<T> = T | ((info: AttemptInfo) => T | Promise<T>)

async function prepare({
  url,
  options,
  info,
  platform,
  id,
  resource,
  key,
  signal,
  onWarning,
}: AttemptContext): Promise<Target> {
  const { method, headers: given, body, lastEventIdParam: param, cursor } = options
  const now = async <T>(value: Changing<T>) =>
    typeof value === 'function' ? (value as (info: AttemptInfo) => T)(info) : value
  const target: Target = {
    url: toAddress(await now(url), options),
    headers: toHeaders(await now(given)),
    method: (await now(method)) ?? 'GET',
    body: resource ? undefined : await now(body),
  }
  throwIfAborted(signal)
  const { headers } = target
  if (resource) moveTo(target, resource)
  const set = (name: string, value: string) => headers.has(name) || headers.set(name, value)
  set('accept', 'text/event-stream')
  if (!platform.guarded) set('cache-control', 'no-cache')
  if (key && !resource) set('idempotency-key', key)
  // The caller's own header counts until there is a live id; then that one goes, or none.
  if (id !== undefined) headers.delete('last-event-id')
  if (id) {
    const bytes = toBytes(id)
    if (bytes.length > LONGEST_ID)
      onWarning(new ConnectError('unsendable-id', 'the last event id is too long to be sent'))
    else if (param || UNSENDABLE.test(bytes)) {
      target.idParam = [param ?? 'lastEventId', id]
      target.url.searchParams.set(...target.idParam)
    } else if (!cursor) set('last-event-id', platform.encodes ? id : bytes)
  }
  return target
}
