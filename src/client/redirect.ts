import { ConnectError } from './errors.ts'
import type { ConnectOptions } from './options.ts'
import type { Platform } from './platform.ts'
import { heed } from './turn.ts'

/** One request, as far as a redirect may change it. */
export interface Target {
  url: URL
  method: string
  headers: Headers
  body: BodyInit | null | undefined
}

/** As in the fetch standard. */
const MOST_REDIRECTS = 20

export const isSafe = (method: string): boolean => /^(get|head)$/i.test(method)

/**
 * Sends a request, and follows redirects by hand wherever the runtime shows them; leaves the last request in `target`.
 * At another origin none of the caller's headers goes along: fetch alone would carry an `x-api-key` anywhere. The last
 * event id goes only to the origin that gave it.
 */
export async function send(
  target: Target,
  options: ConnectOptions,
  platform: Platform,
  idOrigin: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  for (let count = 0; ; ) {
    heed(signal)
    const { guarded } = platform
    const { url, method, headers, body } = target
    const init = {
      // A browser sends `Cache-Control: no-cache` for it; a header by hand would cost a CORS preflight.
      ...(guarded && { cache: 'no-store' }),
      // What a stream as body needs; nobody else minds.
      duplex: 'half',
      ...options,
      redirect: options.redirect ?? (guarded ? 'follow' : 'manual'),
      method,
      headers,
      body: body ?? null,
      signal,
    }
    const response = await (options.fetch ?? fetch)(url.href, init as RequestInit).catch((cause) => {
      throw new ConnectError('network', 'No connection', true, { cause })
    })
    const hidden = response.type === 'opaqueredirect'
    const done = options.redirect || guarded || !(hidden || /30[12378]/.test(`${response.status}`))
    if (signal.aborted || !done) response.body?.cancel().catch(() => {})
    heed(signal)
    if (done) return response
    // A browser after all, which is asked once more. Not for a POST: a 303 has carried it out already.
    if (hidden && isSafe(method)) platform.guarded = true
    else redirect(target, response, ++count, idOrigin)
  }
}

function redirect(target: Target, response: Response, count: number, idOrigin: string | undefined): void {
  const { url, method, headers, body } = target
  const { status } = response
  const location = response.headers.get('location')
  let next = url
  try {
    next = new URL(location ?? 'http://', url)
  } catch {}
  // As fetch does it: 303 turns all but GET and HEAD into GET, 301 and 302 turn POST into GET.
  const rewritten = status === 303 ? !isSafe(method) : status < 303 && /^post$/i.test(method)
  const stuck = next === url || !/^http/.test(next.protocol) || (!rewritten && body instanceof ReadableStream)
  if (stuck || count > MOST_REDIRECTS)
    throw new ConnectError('redirect', `Cannot follow redirect ${count}, to ${location}`, false, { response })
  const foreign = next.origin !== url.origin
  for (const name of [...headers.keys()]) {
    // What describes the body comes and goes with it (RFC 9110 §8).
    const lost = /^content-(type|encoding|language|location)$/.test(name)
      ? rewritten || (foreign && !body)
      : foreign && !/^(accept|cache-control)$/.test(name) && !(name === 'last-event-id' && next.origin === idOrigin)
    if (lost) headers.delete(name)
  }
  target.url = next
  if (rewritten) {
    target.method = 'GET'
    target.body = undefined
  }
}
