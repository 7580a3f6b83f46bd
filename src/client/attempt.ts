import { isEventStream } from '../protocol/content-type.ts'
import { after } from './delay.ts'
import { ConnectError, type ConnectErrorCode } from './errors.ts'
import type { AttemptInfo, ConnectOptions, ConnectUrl } from './options.ts'
import type { Platform } from './platform.ts'
import { drop, isRedirect, isSafe, redirect, type Target } from './redirect.ts'
import { headerValue, isTooLong } from './resume.ts'
import { isRetryable } from './retry.ts'

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

/** How much of a refused body is told, in UTF-16 units, and how long it may take to come, in milliseconds. */
const BODY_PIECE = 2048
const BODY_WAIT = 1000

/** Makes one request. Resolves to its answer, or to `undefined` where the server asks us to stop (204). */
export async function attempt(context: AttemptContext): Promise<Answer | undefined> {
  const { options, platform, signal } = context
  const target = await prepare(context)
  signal.throwIfAborted()
  context.onRequest(isSafe(target.method) && target.body == null)
  const { response, url } = await follow(target, context)
  const { status, headers, body } = response
  if (status === 204) return undefined
  const type = headers.get('content-type')
  if (status !== 200) {
    const statuses = typeof options.retry === 'object' ? options.retry.statuses : undefined
    throw await refuse('status', `The server answered with status ${status}.`, isRetryable(status, statuses))
  }
  if (!isEventStream(type))
    throw await refuse('content-type', `The server sent ${type ?? 'no type'}, not text/event-stream.`, false)
  // `null` is an empty body, which ends at once.
  if (body === undefined)
    throw new ConnectError(
      'no-body',
      'This fetch cannot stream. In React Native: import { fetch } from "expo/fetch".',
      false,
      { response },
    )
  // Where fetch followed by itself, only it knows the last address.
  return { response, origin: new URL(platform.guarded && response.url ? response.url : url).origin }

  async function refuse(code: ConnectErrorCode, message: string, retryable: boolean) {
    return new ConnectError(code, message, retryable, { response, body: await beginning(response, options.unref) })
  }
}

type Value<T> = T | ((info: AttemptInfo) => T | PromiseLike<T>)

async function prepare({ url, options, info, platform, id, onWarning }: AttemptContext): Promise<Target> {
  const value = async <T>(given: Value<T>): Promise<T> =>
    typeof given === 'function' ? (given as (info: AttemptInfo) => T)(info) : given
  const target: Target = {
    url: absolute(await value(url)),
    method: (await value(options.method)) ?? 'GET',
    headers: new Headers(await value(options.headers)),
    body: await value(options.body),
  }
  const { headers } = target
  if (!headers.has('accept')) headers.set('accept', 'text/event-stream')
  if (!platform.guarded && !headers.has('cache-control')) headers.set('cache-control', 'no-cache')
  // The caller's own header counts until there is a live id; then that one goes, or none.
  if (id !== undefined) headers.delete('last-event-id')
  if (id) {
    const { lastEventIdParam: param, cursor } = options
    const value = param || cursor ? undefined : headerValue(id)
    if (isTooLong(id)) onWarning(new ConnectError('unsendable-id', 'The last event id is too long to be sent.', true))
    else if (value !== undefined) headers.set('last-event-id', value)
    else if (param || !cursor) addParam(target.url, param ?? 'lastEventId', id)
  }
  return target
}

/** Sends the request, and follows redirects by hand wherever the runtime shows them. */
async function follow(target: Target, { options, platform, signal, idOrigin }: AttemptContext) {
  for (let count = 0; ; ) {
    const { url, method, headers, body } = target
    const byHand = !options.redirect && !platform.guarded
    const mode = byHand ? 'manual' : (options.redirect ?? 'follow')
    let response: Response
    try {
      // `duplex` is what a stream as body needs; nobody else minds it.
      const own = { method, headers, body: body ?? null, signal, redirect: mode, duplex: 'half' } as const
      response = await (options.fetch ?? fetch)(url.href, { ...platform.init, ...(options as RequestInit), ...own })
    } catch (cause) {
      throw new ConnectError('network', `The server cannot be reached: ${(cause as Error)?.message}`, true, { cause })
    }
    if (signal.aborted) drop(response)
    signal.throwIfAborted()
    if (!byHand || !isRedirect(response)) return { response, url }
    if (response.type === 'opaqueredirect' && isSafe(method)) platform.guarded = true
    // A browser after all: asked once more, and from then on trusted to follow. Never for a POST, which a 303 has carried out.
    else
      target = redirect(target, response, ++count, (origin) => {
        const ours = new Headers({ accept: 'text/event-stream', 'cache-control': 'no-cache' })
        // An id goes back only to the origin that gave it.
        const id = headers.get('last-event-id')
        if (id !== null && origin === idOrigin) ours.set('last-event-id', id)
        return ours
      })
  }
}

/** An absolute address; throws where there is nothing that it could be relative to. */
export const absolute = (url: string | URL): URL =>
  new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href)

/** Adds a parameter and leaves the rest of the query letter for letter: it may be signed. */
function addParam(url: URL, name: string, value: string): void {
  if (url.searchParams.has(name)) url.searchParams.set(name, value)
  else url.search += `${url.search && '&'}${new URLSearchParams([[name, value]])}`
}

/** What a refused body says at its beginning. It is cancelled, and never waited for long: it may be endless, or silent. */
async function beginning({ body }: Response, unref: boolean | undefined): Promise<string | undefined> {
  const reader = body?.getReader()
  if (!reader) return undefined
  let stop: (() => void) | undefined
  const late = new Promise<undefined>((resolve) => {
    stop = after(BODY_WAIT, () => resolve(undefined), unref)
  })
  const chunk = await Promise.race([reader.read().catch(() => undefined), late])
  stop?.()
  reader.cancel().catch(() => {})
  return chunk?.value && new TextDecoder().decode(chunk.value).slice(0, BODY_PIECE)
}
