import { isEventStream } from './content-type.ts'
import { UnmissedError } from './errors.ts'
import type { EventIterator, ServerSentEvent } from './event.ts'
import { createParser, type ParserOptions } from './parser.ts'

export interface EventsOptions extends Pick<ParserOptions, 'lastEventId' | 'maxEventSize' | 'flush'> {
  /** Ends the iteration with the signal's reason, and cancels the body. Default: none. */
  signal?: AbortSignal | undefined
  /** Ends the iteration cleanly: at the event whose data is this string, which is not given out any more, or after the one for which this function returns true. Default: none. */
  until?: string | ((event: ServerSentEvent) => boolean) | undefined
}

/**
 * Iterates over the events of one body, and never reconnects. Leaving the loop, by whatever way, cancels the body.
 * Throws `content-type` or `no-body` for a response that holds no events.
 */
export function events(
  source: Response | ReadableStream<Uint8Array | string>,
  options: EventsOptions = {},
): EventIterator<ServerSentEvent> {
  const { signal, until } = options
  const reader = bodyOf(source).getReader()
  const parser = createParser({ ...options, onEvent })
  /** What was parsed and not given out yet: at most the events of one chunk. */
  let queue: ServerSentEvent[] = []
  let given = 0
  let done = false
  let failure: { error: unknown } | undefined
  let reading: Promise<void> | undefined

  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })

  function onEvent(event: ServerSentEvent) {
    if (done) return
    if (typeof until === 'string' && event.data === until) return finish()
    queue.push(event)
    if (typeof until === 'function' && until(event)) finish()
  }

  function onAbort() {
    queue = []
    fail(signal?.reason)
  }

  function fail(error: unknown) {
    if (done) return
    failure = { error }
    finish(error)
  }

  /** The one way out: nothing is read any more, and a read that is waited for ends by the cancelling. */
  function finish(reason?: unknown) {
    if (done) return
    done = true
    signal?.removeEventListener('abort', onAbort)
    // Not awaited: a source may take its time to cancel, or never say that it did.
    reader.cancel(reason).catch(() => {})
  }

  async function read() {
    queue = []
    given = 0
    try {
      const chunk = await reader.read()
      if (done) return
      if (!chunk.done) return parser.push(chunk.value)
      parser.end()
      finish()
    } catch (error) {
      fail(error)
    } finally {
      reading = undefined
    }
  }

  /** Two calls of `next` at once wait for the same read, and are served in their order. */
  async function more(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    for (;;) {
      // While a chunk is parsed its events are for those who asked before: `until` may ask, too.
      const event = reading ? undefined : queue[given]
      if (event) {
        given++
        return { value: event, done: false }
      }
      if (failure && !reading) {
        const { error } = failure
        failure = undefined
        throw error
      }
      if (done && !reading) return { value: undefined, done: true }
      reading ??= read()
      await reading
    }
  }

  return {
    next() {
      const event = queue[given]
      if (!event || reading) return more()
      given++
      return Promise.resolve({ value: event, done: false })
    },
    async return() {
      queue = []
      failure = undefined
      finish()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function bodyOf(source: Response | ReadableStream<Uint8Array | string>): ReadableStream<Uint8Array | string> {
  // A promise of a response is what is mostly given instead.
  const { getReader, body, headers, status } = Object(source) as Partial<Response & ReadableStream>
  if (getReader) return source as ReadableStream<Uint8Array | string>
  if (!headers)
    throw new UnmissedError('no-body', 'events needs a Response or a ReadableStream: is there an await missing?')
  const type = headers.get('content-type')
  if (!isEventStream(type)) {
    body?.cancel().catch(() => {})
    throw new UnmissedError(
      'content-type',
      `expected text/event-stream, got ${type ?? 'no content type'} (status ${status})`,
    )
  }
  if (!body)
    throw new UnmissedError(
      'no-body',
      `the response has no body to read (status ${status}); in React Native take fetch from expo/fetch`,
    )
  return body
}
