import { delay, later } from '../client/delay.ts'
import { ConnectError } from '../client/errors.ts'
import { backoff, retryAfter } from '../client/retry.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser } from '../protocol/parser.ts'
import { ConnectionErrorEvent } from './events.ts'
import type { EventSourceInit } from './init.ts'
import { request } from './request.ts'
import { task } from './task.ts'

// The standard's numbers for `readyState`.
export const CONNECTING = 0
export const OPEN = 1
export const CLOSED = 2

export interface Connection {
  readyState(): number
  /** The last event id string, as of the events that were dispatched. */
  lastEventId(): string
  close(): void
}

/** §9.2.3 "Processing model". Its state is six variables, which a bundler makes a third smaller than fields. */
export function createConnection(url: URL, init: EventSourceInit, fire: (event: Event) => void): Connection {
  const { retry, idleTimeout, maxEventSize } = init
  let readyState = CONNECTING
  let lastEventId = init.lastEventId ?? ''
  /** The origin whose stream named it; missing while the caller did. */
  let idOrigin: string | undefined
  let reconnectionTime = retry?.base ?? 3000
  /** How many attempts in a row brought no byte. */
  let failures = 0
  /** What `close` aborts: one attempt with its body, or one wait. */
  let turn = new AbortController()

  /** Connects, reads, and comes back – or not. */
  async function run() {
    for (;;) {
      const { signal } = turn
      const error = await attempt(turn).catch((reason) => asError(signal.reason ?? reason))
      await enter(error.retryable ? CONNECTING : CLOSED, new ConnectionErrorEvent(error))
      // Firefox keeps the connection of a body that was only cancelled, and in workers it misses an abort that comes in the
      // very moment in which the body begins: so this comes a task later.
      turn.abort()
      if (readyState === CLOSED) return
      turn = new AbortController()
      await delay(wait(error), turn.signal, false)
    }
  }

  /** "Wait a delay equal to the reconnection time", and more than that only "if the previous attempt failed" as well. */
  function wait({ headers }: ConnectError) {
    const random = failures ? retry?.random : () => 0
    const floor = Math.max(reconnectionTime, retryAfter(headers, Date.now()))
    // What is no number would be no wait at all.
    return backoff(failures++, floor, { ...retry, random }) || 3000
  }

  /** One request, and its answer to the end. */
  async function attempt({ signal }: AbortController) {
    const { body, origin } = await request(url, init, { attempt: failures + 1, lastEventId }, idOrigin, signal)
    const reader = body?.getReader()
    const read = createReader(origin, signal)
    // Where a custom fetch forgot the signal this still ends the reading; its promise may never settle.
    signal.addEventListener('abort', () => reader?.cancel().catch(() => {}))
    await enter(OPEN, new Event('open'))
    const silent = () => turn.abort(new ConnectError('timeout-idle', `No byte in ${idleTimeout} ms`))
    while (reader) {
      const disarm = idleTimeout && idleTimeout > 0 ? later(idleTimeout, silent, false) : undefined
      const { done, value } = await reader.read().finally(disarm)
      signal.throwIfAborted()
      if (done) break
      failures = 0
      await read(value)
    }
    return new ConnectError('ended', 'The stream ended')
  }

  /** Dispatches the events of one body, chunk by chunk: no more is read until all of a chunk are. */
  function createReader(origin: string, signal: AbortSignal) {
    let events: ServerSentEvent[] = []
    let newest = lastEventId
    const parser = createParser({
      lastEventId,
      maxEventSize,
      onEvent: (event) => events.push(event),
      onId(id) {
        newest = id
        idOrigin = origin
      },
      onRetry(milliseconds) {
        reconnectionTime = milliseconds
      },
    })
    return async (chunk: Uint8Array) => {
      let failure: ConnectError | undefined
      try {
        parser.push(chunk)
      } catch (cause) {
        failure = new ConnectError('event-too-large', 'The connection failed', false, { cause })
      }
      // "Queue a task which, if the readyState attribute is set to a value other than CLOSED, dispatches the newly created
      // event": one for each.
      for (const { type, data, id } of events) {
        await task()
        signal.throwIfAborted()
        lastEventId = id
        fire(new MessageEvent(type, { data, origin, lastEventId }))
      }
      events = []
      // In memory of its own: a piece of the chunk would keep all of it.
      lastEventId = ` ${newest}`.slice(1)
      if (failure) throw failure
    }
  }

  /** "Queue a task": the one door for `readyState` – except `close`, which fires nothing and is final. */
  async function enter(next: number, event: Event) {
    await task()
    if (readyState === CLOSED) return
    readyState = next
    fire(event)
  }

  run()
  return {
    readyState: () => readyState,
    lastEventId: () => lastEventId,
    close() {
      readyState = CLOSED
      turn.abort()
    },
  }
}

/**
 * Whether to "reestablish the connection" or to "fail" it, which is for what the server refused, for a network error "if
 * the user agent knows that to be futile", and for a fetch that was aborted.
 */
function asError(reason: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason
  // Some reject with nothing at all.
  const isAborted = (reason as Error | undefined)?.name === 'AbortError'
  return new ConnectError('network', 'The connection failed', !isAborted, { cause: reason })
}
