import { ConnectError } from '../client/errors.ts'
import { detect } from '../client/platform.ts'
import { LONGEST_ID, toBytes, UNSENDABLE } from '../client/resume.ts'
import { isEventStream } from '../protocol/content-type.ts'
import type { EventSourceInit } from './eventsource.ts'

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

/** As in the fetch standard. */
const MOST_REDIRECTS = 20

/**
 * Asks once, and resolves with an answer that can be read and the origin that gave it. The client's own attempt does the
 * same for any method, body and policy, which would make this entry a third larger.
 */
export async function request(url: URL, init: EventSourceInit, memory: Memory, signal: AbortSignal) {
  const { headers: given, fetch: ask = fetch, retry } = init
  const { id, idOrigin, failures } = memory
  const { guarded } = detect()
  let target = url
  // Awaited in any case: nothing is sent before the constructor has returned.
  const own = await (typeof given === 'function' ? given({ attempt: failures + 1, lastEventId: id }) : given)
  let headers = new Headers(own)
  for (let redirects = 0; ; redirects++) {
    headers.set('accept', 'text/event-stream')
    // "Set request's cache mode to no-store", where fetch leaves that to us.
    if (!guarded) headers.set('cache-control', 'no-cache')
    // An id goes to where the caller sent us, and to the origin that gave it.
    const bytes = toBytes(id)
    if (
      bytes &&
      bytes.length <= LONGEST_ID &&
      !UNSENDABLE.test(bytes) &&
      (target === url || target.origin === idOrigin)
    )
      headers.set('last-event-id', bytes)
    signal.throwIfAborted()
    const response = await ask(target.href, {
      headers,
      signal,
      credentials: init.withCredentials ? 'include' : 'same-origin',
      ...(guarded ? { cache: 'no-store' } : { redirect: 'manual' }),
    })
    const { status } = response
    const type = response.headers.get('content-type')
    if (status === 200 && isEventStream(type))
      return { body: response.body, origin: new URL((guarded && response.url) || target).origin }

    response.body?.cancel().catch(() => {})
    const location = response.headers.get('location') ?? 'none:'
    const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined
    if (
      !guarded &&
      /^30[12378]$/.test(`${status}`) &&
      redirects < MOST_REDIRECTS &&
      next &&
      /^https?:/.test(next.href)
    ) {
      // Fetch alone would carry an `x-api-key` to anywhere.
      if (next.origin !== target.origin) headers = new Headers()
      target = next
    } else if (status !== 200)
      throw new ConnectError(
        'status',
        `The server answered with status ${status}`,
        !!retry?.statuses?.includes(status),
        { response },
      )
    else throw new ConnectError('content-type', `The server sent ${type}, not text/event-stream`, false, { response })
  }
}
