import { ConnectError, nameOf } from './errors.ts'
import type { ConnectOptions } from './options.ts'
import type { Platform } from './platform.ts'
import { throwIfAborted } from './step.ts'

/** One request, as far as a redirect may change it. */
export interface Target {
  url: URL
  method: string
  headers: Headers
  body: BodyInit | null | undefined
  /** The query parameter that carries the last event id, and the id. */
  idParam?: [name: string, id: string]
}

/** As in the fetch standard. */
const MOST_REDIRECTS = 20
const REDIRECTS = [301, 302, 303, 307, 308]

export const isSafe = (method: string): boolean => ['GET', 'HEAD'].includes(method.toUpperCase())

/** What a request needs beside itself. */
export interface SendContext {
  readonly options: ConnectOptions
  readonly platform: Platform
  /** The origin whose stream named the last event id; missing while the caller did. */
  readonly idOrigin: string | undefined
  readonly signal: AbortSignal
  onWarning(error: ConnectError): void
}

/**
 * Sends a request, and follows redirects by hand wherever the runtime shows them; leaves the last request in `target`.
 * At another origin none of the caller's headers goes along: fetch alone would carry an `x-api-key` anywhere.
 */
export async function send(target: Target, context: SendContext): Promise<Response> {
  const { options, platform, signal } = context
  for (let count = 0; ; ) {
    throwIfAborted(signal)
    const { guarded } = platform
    const { url, method, headers, body } = target
    const init = {
      // A browser sends `Cache-Control: no-cache` for it; a header by hand would cost a CORS preflight.
      ...(guarded && { cache: 'no-store' }),
      // What a stream as body needs; nobody else minds.
      duplex: 'half',
      ...options,
      ...options.fetchOptions,
      redirect: options.redirect ?? (guarded ? 'follow' : 'manual'),
      method,
      headers,
      body: body ?? null,
      signal,
    }
    const response = await (options.fetch ?? fetch)(url.href, init as RequestInit).catch((cause) => {
      throw new ConnectError('network', 'no connection', true, { where: nameOf(method, url), cause })
    })
    const hidden = response.type === 'opaqueredirect'
    const done = options.redirect || guarded || !(hidden || REDIRECTS.includes(response.status))
    if (signal.aborted || !done) response.body?.cancel().catch(() => {})
    throwIfAborted(signal)
    if (done) return response
    // A browser after all, which is asked once more. Not for a POST: a 303 has carried it out already.
    if (hidden && isSafe(method)) platform.guarded = true
    else redirect(target, response, ++count, context)
  }
}

function redirect(target: Target, response: Response, count: number, { idOrigin, onWarning }: SendContext): void {
  const { url, method, headers, body, idParam } = target
  const { status } = response
  const next = destination(response, url)
  // As fetch does it: 303 turns all but GET and HEAD into GET, 301 and 302 turn POST into GET.
  const rewritten = status === 303 ? !isSafe(method) : status < 303 && method.toUpperCase() === 'POST'
  if (!next || count > MOST_REDIRECTS || (!rewritten && body instanceof ReadableStream)) {
    const location = response.headers.get('location')
    const why = `cannot follow redirect ${count}, to ${location}`
    throw new ConnectError('redirect', why, false, { where: nameOf(method, url), response })
  }
  const foreign = next.origin !== url.origin
  // An id goes to the origin that named it; one that the caller gave, or kept, goes along as a browser takes it.
  const takesId = !foreign || !idOrigin || next.origin === idOrigin
  if (takesId && idParam) next.searchParams.set(...idParam)
  if (!takesId && (idParam || headers.has('last-event-id')))
    onWarning(new ConnectError('unsendable-id', `the last event id is not sent to ${next.origin}`))
  drop(headers, rewritten || (foreign && !body), foreign, takesId)
  target.url = next
  if (rewritten) {
    target.method = 'GET'
    target.body = undefined
  }
}

/** Asks for what an answer represents, in place of asking again for the answer. */
export function moveTo(target: Target, resource: URL): void {
  drop(target.headers, true, resource.origin !== target.url.origin, true)
  target.url = new URL(resource)
  target.method = 'GET'
}

/** Deletes what does not go along: what describes a body without it (RFC 9110 §8), what is the caller's at another origin. */
function drop(headers: Headers, bodyIsLost: boolean, foreign: boolean, takesId: boolean): void {
  for (const name of [...headers.keys()]) {
    const lost = /^content-(type|encoding|language|location)$/.test(name)
      ? bodyIsLost
      : foreign && !/^(accept|cache-control)$/.test(name) && !(takesId && name === 'last-event-id')
    if (lost) headers.delete(name)
  }
}

/** Where a redirect leads, if fetch could go there. */
function destination({ headers }: Response, from: URL): URL | undefined {
  try {
    // An empty one would lead to where we are.
    const next = new URL(headers.get('location') || 'none:', from)
    if (next.protocol === 'http:' || next.protocol === 'https:') return next
  } catch {}
  return undefined
}
