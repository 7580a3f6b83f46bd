import { ConnectError } from '../client/errors.ts'
import type { AttemptInfo } from '../client/options.ts'
import { detect } from '../client/platform.ts'
import { toBytes } from '../client/resume.ts'
import { isEventStream } from '../protocol/content-type.ts'
import type { EventSourceInit } from './init.ts'

/** An answer that can be read, and the origin that gave it. */
export interface Answer {
  readonly body: ReadableStream<Uint8Array> | null
  readonly origin: string
}

/** As in the fetch standard. */
const MOST_REDIRECTS = 20
const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * An id that a header can carry, and that is no longer than `LONGEST_ID`. White space at its ends is cut off on the wire, as
 * browsers have it.
 */
const SENDABLE = /^[\t -~\x80-\xff]{1,4096}$/

/** An address that fetch takes: of a network, and without a name and a password. */
const FETCHABLE = /^https?:\/\/[^/@]+\//

/**
 * Asks once; throws what to fail with, or to come back after. The client's own attempt does the same for any method, body
 * and policy, which would make this entry a third larger.
 */
export async function request(
  url: URL,
  init: EventSourceInit,
  info: AttemptInfo,
  idOrigin: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { headers: given, fetch: ask = fetch, retry, withCredentials } = init
  const { guarded, encodes } = detect()
  // Awaited in any case: nothing is sent before the constructor has returned.
  let headers = new Headers(await (typeof given === 'function' ? given(info) : given))
  // The caller's own header counts until the server has named an id, or taken it back.
  const own = idOrigin ? null : headers.get('last-event-id')
  const bytes = toBytes(info.lastEventId)
  const id = SENDABLE.test(bytes) ? (encodes ? info.lastEventId : bytes) : own
  let target = url
  for (let redirects = 0; ; redirects++) {
    if (!FETCHABLE.test(target.href)) throw new ConnectError('network', 'Not an address to fetch', false)
    headers.set('accept', 'text/event-stream')
    // "Set request's cache mode to no-store", where fetch leaves that to us.
    if (!guarded) headers.set('cache-control', 'no-cache')
    headers.delete('last-event-id')
    // An id goes to the origin that named it; one that the caller gave goes along, as a browser takes it.
    if (id && (!idOrigin || target === url || target.origin === idOrigin)) headers.set('last-event-id', id)
    signal.throwIfAborted()
    const response = await ask(target.href, {
      headers,
      signal,
      credentials: withCredentials ? 'include' : 'same-origin',
      ...(guarded ? { cache: 'no-store' } : { redirect: 'manual' }),
    })
    const { status, body } = response
    const isOk = status === 200
    const type = response.headers.get('content-type')
    // A fetch may have missed the signal.
    if (isOk && isEventStream(type) && !signal.aborted)
      return { body, origin: new URL((guarded && response.url) || target).origin }

    const location = !guarded && REDIRECTS.includes(status) && response.headers.get('location')
    const drop = () => body?.cancel().catch(() => {})
    // The abort comes first where there will be one: of a body that is cancelled Chromium may keep the connection.
    if (location || signal.aborted) drop()
    else signal.addEventListener('abort', drop)
    if (!location)
      throw new ConnectError(
        isOk ? 'content-type' : 'status',
        `Status ${status}, ${type}`,
        !!retry?.statuses?.includes(status),
        { response },
      )
    // "If locationURL is failure, then return a network error", and "if request's redirect count is 20" as well: both are
    // reasons to come back.
    if (redirects === MOST_REDIRECTS) throw new Error('Too many redirects')
    const next = new URL(location, target)
    // Fetch alone would carry an `x-api-key` to anywhere.
    if (next.origin !== target.origin) headers = new Headers()
    target = next
  }
}
