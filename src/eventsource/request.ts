import { ConnectError } from '../client/errors.ts'
import { detect } from '../client/platform.ts'
import { LONGEST_ID, toBytes, UNSENDABLE } from '../client/resume.ts'
import { isEventStream } from '../protocol/content-type.ts'
import type { EventSourceInit } from './init.ts'

/** What outlives a body. */
export interface Memory {
  /** The last event id string. */
  id: string
  /** The origin whose stream named it. */
  idOrigin: string | undefined
  /** The reconnection time, in milliseconds. */
  reconnectionTime: number
  /** How many attempts in a row brought no byte. */
  failures: number
}

/** An answer that can be read, and the origin that gave it. */
export interface Answer {
  readonly body: ReadableStream<Uint8Array> | null
  readonly origin: string
}

/** As in the fetch standard. */
const MOST_REDIRECTS = 20

/**
 * Asks once; throws what to fail with, or to come back after. The client's own attempt does the same for any method, body
 * and policy, which would make this entry a third larger.
 */
export async function request(url: URL, init: EventSourceInit, memory: Memory, signal: AbortSignal): Promise<Answer> {
  const { headers: given, fetch: ask = fetch, retry, withCredentials } = init
  const { id, idOrigin, failures } = memory
  const { guarded, encodes } = detect()
  let target = url
  // Awaited in any case: nothing is sent before the constructor has returned.
  const own = await (typeof given === 'function' ? given({ attempt: failures + 1, lastEventId: id }) : given)
  let headers = new Headers(own)
  for (let redirects = 0; ; redirects++) {
    headers.set('accept', 'text/event-stream')
    // "Set request's cache mode to no-store", where fetch leaves that to us.
    if (!guarded) headers.set('cache-control', 'no-cache')
    // The caller's own header counts until the server has named an id, or taken it back.
    if (idOrigin) headers.delete('last-event-id')
    const bytes = toBytes(id)
    const isKnown = target === url || target.origin === idOrigin
    if (bytes && isKnown && bytes.length <= LONGEST_ID && !UNSENDABLE.test(bytes))
      headers.set('last-event-id', encodes ? id : bytes)
    signal.throwIfAborted()
    const response = await ask(target.href, {
      headers,
      signal,
      credentials: withCredentials ? 'include' : 'same-origin',
      ...(guarded ? { cache: 'no-store' } : { redirect: 'manual' }),
    })
    const { status, body } = response
    const type = response.headers.get('content-type')
    if (status === 200 && isEventStream(type))
      return { body, origin: new URL((guarded && response.url) || target).origin }

    body?.cancel().catch(() => {})
    const isRedirect = !guarded && redirects < MOST_REDIRECTS && /^30[12378]$/.test(`${status}`)
    const next = isRedirect && destination(response, target)
    if (!next) {
      const [code, message] = status === 200 ? (['content-type', type] as const) : (['status', status] as const)
      throw new ConnectError(code, `The server answered with ${code} ${message}`, !!retry?.statuses?.includes(status), {
        response,
      })
    }
    // Fetch alone would carry an `x-api-key` to anywhere.
    if (next.origin !== target.origin) headers = new Headers()
    target = next
  }
}

/** Where a redirect leads, if fetch could go there. */
function destination({ headers }: Response, from: URL): URL | undefined {
  try {
    const next = new URL(headers.get('location') ?? 'none:', from)
    if (/^https?:/.test(next.href)) return next
  } catch {}
  return undefined
}
