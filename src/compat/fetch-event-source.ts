import type { Connection } from '../client/connect.ts'
import { Handle } from '../client/handle.ts'
import { onAbort } from '../client/on-abort.ts'
import type { HeadersInit, RequestInfo } from '../client/web-types.ts'
import { isEventStream } from '../protocol/content-type.ts'

/** The media type of an event stream. */
export const EventStreamContentType = 'text/event-stream'

const REDIRECTS = [301, 302, 303, 307, 308]

/** One message, as `onmessage` gets it. */
export interface EventSourceMessage {
  /** The last event id in force; `''` where there is none. */
  id: string
  /** The name the server gave the event; `''` where it gave none, or `message`. */
  event: string
  /** The `data` lines, joined with LF. */
  data: string
}

export interface FetchEventSourceInit extends Omit<RequestInit, 'headers'> {
  /** Sent with each request. Default: `Accept: text/event-stream`. */
  headers?: HeadersInit | undefined
  /** Called with each answer, before its body is read; one that throws refuses the answer. Default: status 200 and `text/event-stream` are accepted. */
  onopen?: ((response: Response) => void | Promise<void>) | undefined
  /** Called with each message; one that throws hangs up, and `onerror` decides what then. Default: none. */
  onmessage?: ((message: EventSourceMessage) => void) | undefined
  /** Called when the server ends the stream; one that throws has `onerror` decide whether to come back. Default: the promise resolves. */
  onclose?: (() => void) | undefined
  /** Called with each error. Throw to end it all, return milliseconds to wait so long. Default: every error is met by another attempt, after growing waits. */
  // biome-ignore lint/suspicious/noExplicitAny lint/suspicious/noConfusingVoidType: as the original has it, so that code compiles
  onerror?: ((error: any) => number | null | undefined | void) | undefined
  /** Whether to stay connected while the page is hidden. Default: false. */
  openWhenHidden?: boolean | undefined
  /** What makes the requests. Default: the global fetch of that moment. */
  fetch?: typeof globalThis.fetch | undefined
}

/**
 * `fetchEventSource` of @microsoft/fetch-event-source, over `connect`. Resolves when the server ended the stream or the
 * signal aborted; rejects with what `onerror` threw.
 */
export async function fetchEventSource(input: RequestInfo | URL, init: FetchEventSourceInit = {}): Promise<void> {
  const { onopen, onmessage, onclose, onerror, openWhenHidden, fetch, signal: given, ...rest } = init
  const request = typeof input === 'object' && 'clone' in input ? input : undefined
  const signal = given ?? request?.signal
  const options = { ...(request && (await partsOf(request))), ...rest }
  if (signal?.aborted) return
  let fatal: { error: unknown } | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Lets `onerror` decide: true or milliseconds to come back, false to end it all. */
  function decide(error: unknown): boolean | number {
    try {
      const wait = onerror?.(error)
      return typeof wait === 'number' && wait >= 0 ? wait : true
    } catch (error) {
      fatal = { error }
      return false
    }
  }

  // Not by `connect`, which refuses options that it does not know: here all of them go on to fetch.
  const connection: Connection = new Handle(request?.url ?? (input as string | URL), {
    ...options,
    connectTimeout: 0,
    pauseWhenHidden: openWhenHidden ? undefined : { after: 0 },
    fetch: opening(request, fetch, onopen),
    retry({ error }) {
      if (error.code !== 'ended') return decide(error.cause ?? error)
      try {
        onclose?.()
        return false
      } catch (error) {
        return decide(error)
      }
    },
  })
  const forget = signal ? onAbort(signal, connection.close) : undefined
  connection.on(({ type, data, id }) => {
    try {
      onmessage?.({ id, event: type === 'message' ? '' : type, data })
    } catch (error) {
      connection.pause()
      const wait = decide(error)
      if (wait === false) connection.close()
      else timer = setTimeout(connection.unpause, wait === true ? 1000 : wait)
    }
  })
  await connection.closed
  forget?.()
  clearTimeout(timer)
  if (fatal) throw fatal.error
}

/** What of a request goes beside its address, which a redirect may change. Its body can be read once, and is sent often. */
async function partsOf(request: Request) {
  const { method, headers, redirect } = request
  const body = method === 'GET' || method === 'HEAD' ? undefined : await request.clone().arrayBuffer()
  return {
    method,
    headers,
    // By default fetch follows; so does `connect`, with more care.
    ...(redirect !== 'follow' && { redirect }),
    ...(body?.byteLength && { body }),
  }
}

/** A fetch that has `onopen` look at each answer. */
function opening(
  request: Request | undefined,
  given: FetchEventSourceInit['fetch'],
  onopen: FetchEventSourceInit['onopen'],
) {
  return async (url: string, options: RequestInit): Promise<Response> => {
    const ask = given ?? globalThis.fetch
    const response = await (url === request?.url ? ask(request.clone(), options) : ask(url, options))
    const { status, headers, body, type } = response
    const isRedirect = options.redirect === 'manual' && REDIRECTS.includes(status)
    if (!onopen || isRedirect || type === 'opaqueredirect') return response
    await onopen(response)
    // Whatever `onopen` let pass is a stream.
    if (status === 204 || (status === 200 && isEventStream(headers.get('content-type')))) return response
    return new Response(body, { headers: { 'content-type': EventStreamContentType } })
  }
}
