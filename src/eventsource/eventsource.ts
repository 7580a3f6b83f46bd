import { delay, later } from '../client/delay.ts'
import { ConnectError } from '../client/errors.ts'
import type { ConnectOptions } from '../client/options.ts'
import { backoff, type RetryOptions, retryAfter } from '../client/retry.ts'
import type { UnmissedError } from '../protocol/errors.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser } from '../protocol/parser.ts'
import { ConnectionErrorEvent, messageEvent } from './events.ts'
import { type Memory, request } from './request.ts'
import { task } from './task.ts'

/** The standard's dictionary, and after it what goes beyond the standard: only for whoever asks for it. */
export interface EventSourceInit {
  /** Whether cookies go along to another origin. Default: false. */
  withCredentials?: boolean | undefined
  /** Sent with each request. A function is called anew for every attempt, so a token may change. Default: none. */
  headers?: ConnectOptions['headers']
  /** What makes the requests. Default: the global fetch of that moment. */
  fetch?: ConnectOptions['fetch']
  /** What a relative URL is relative to. Default: the document or the worker's script; none elsewhere. */
  baseURL?: string | URL | undefined
  /** The id to resume after at the first attempt. Default: none. */
  lastEventId?: string | undefined
  /** How long an open stream may be silent, in milliseconds; any byte counts, 0 for ever. Default: 0. */
  idleTimeout?: number | undefined
  /** The reconnection time until the server gives one, and how it grows while attempts fail; `statuses` are those after which to come back, which the standard never does. Default: 3000 ms, growing up to 30000; no statuses. */
  retry?: Pick<RetryOptions, 'base' | 'max' | 'factor' | 'statuses' | 'random'> | undefined
  /** The most text kept for one event, in UTF-16 units; beyond it the connection fails. Default: 16777216. */
  maxEventSize?: number | undefined
}

/** The types of the events that every `EventSource` fires; the server may name others. */
export interface EventSourceEventMap {
  error: ConnectionErrorEvent
  message: MessageEvent<string>
  open: Event
}

type Handler<Fired extends Event> = Listener<Fired> | null

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

type Listener<Fired extends Event> = (this: EventSource, event: Fired) => unknown

/** What EventTarget's methods hear here. */
export interface EventSource {
  addEventListener<Type extends keyof EventSourceEventMap>(
    type: Type,
    listener: Listener<EventSourceEventMap[Type]>,
    options?: boolean | AddEventListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: Listener<MessageEvent<string>>,
    options?: boolean | AddEventListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void
  removeEventListener<Type extends keyof EventSourceEventMap>(
    type: Type,
    listener: Listener<EventSourceEventMap[Type]>,
    options?: boolean | EventListenerOptions,
  ): void
  removeEventListener(
    type: string,
    listener: Listener<MessageEvent<string>>,
    options?: boolean | EventListenerOptions,
  ): void
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void
}

/** `EventSource` as WHATWG HTML §9.2 has it, for every runtime with `fetch`. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface only narrows what EventTarget brings
export class EventSource extends EventTarget {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSED: 2
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSED: 2

  readonly #url: URL
  readonly #withCredentials: boolean
  #readyState = CONNECTING
  #turn = new AbortController()
  readonly #handlers = new Map<string, { value: unknown; undo: () => void }>()

  constructor(url: string | URL, init: EventSourceInit = {}) {
    super()
    // What Web IDL does with missing arguments, and with a dictionary that is none.
    // biome-ignore lint/complexity/noArguments: an argument that is undefined is a URL, one that is missing an error
    if (arguments.length === 0) throw new TypeError('EventSource needs a URL')
    if (init !== null && typeof init !== 'object' && typeof init !== 'function')
      throw new TypeError('EventSource takes an object of options')
    const options = init ?? {}
    const text = `${url}`
    this.#withCredentials = Boolean(options.withCredentials)
    try {
      this.#url = new URL(text, options.baseURL ?? globalThis.document?.baseURI ?? globalThis.location?.href)
    } catch {
      throw new DOMException(`EventSource: "${text}" is not a URL, or relative to nothing`, 'SyntaxError')
    }
    this.#run(options)
  }

  /** The address, absolute. */
  get url(): string {
    return this.#url.href
  }
  /** Whether cookies go along to another origin. */
  get withCredentials(): boolean {
    return this.#withCredentials
  }
  /** `CONNECTING` (0), `OPEN` (1) or `CLOSED` (2). */
  get readyState(): number {
    return this.#readyState
  }

  /** Called when a stream opens. */
  get onopen(): Handler<Event> {
    return this.#handler('open')
  }
  set onopen(value) {
    this.#setHandler('open', value)
  }
  /** Called with each event that the server gave no other name. */
  get onmessage(): Handler<MessageEvent<string>> {
    return this.#handler('message')
  }
  set onmessage(value) {
    this.#setHandler('message', value)
  }
  /** Called when a connection is lost: `readyState` tells whether for good. */
  get onerror(): Handler<ConnectionErrorEvent> {
    return this.#handler('error')
  }
  set onerror(value) {
    this.#setHandler('error', value)
  }

  /** Ends the connection for good. */
  close(): void {
    this.#readyState = CLOSED
    this.#turn.abort()
  }

  /** §9.2.3 "Processing model": connects, reads, and comes back – or not. */
  async #run(init: EventSourceInit): Promise<void> {
    const { retry = {}, lastEventId: id = '' } = init
    const memory: Memory = { id, idOrigin: undefined, reconnectionTime: retry.base ?? 3000, failures: 0 }
    while (this.#readyState !== CLOSED) {
      const turn = this.#newTurn()
      let error: ConnectError
      try {
        const { body, origin } = await request(this.#url, init, memory, turn.signal)
        await this.#enter(OPEN, new Event('open'))
        if (body) await this.#read(body, origin, turn, init, memory)
        error = new ConnectError('ended', 'The server ended the stream')
      } catch (reason) {
        error = this.#known(turn.signal.reason ?? reason)
      }
      await this.#enter(error.retryable ? CONNECTING : CLOSED, new ConnectionErrorEvent(error))
      // Firefox keeps the connection of a body that was only cancelled, and in workers it misses an abort that comes in the
      // very moment in which the body begins: so this comes a task later.
      turn.abort()
      // "Wait a delay equal to the reconnection time", and more than that only "if the previous attempt failed" as well.
      const jitter = memory.failures > 0 ? {} : { random: () => 0 }
      const floor = Math.max(memory.reconnectionTime, retryAfter(error.headers, Date.now()))
      await delay(backoff(memory.failures++, floor, { ...retry, ...jitter }), this.#newTurn().signal, false)
    }
  }

  async #read(
    body: ReadableStream<Uint8Array>,
    origin: string,
    turn: AbortController,
    init: EventSourceInit,
    memory: Memory,
  ) {
    const { idleTimeout, maxEventSize } = init
    const { signal } = turn
    const reader = body.getReader()
    let events: ServerSentEvent[] = []
    const parser = createParser({
      lastEventId: memory.id,
      maxEventSize,
      onEvent: (event) => events.push(event),
      onId(id) {
        memory.id = id
        memory.idOrigin = origin
      },
      onRetry(milliseconds) {
        memory.reconnectionTime = milliseconds
      },
    })
    // Where a custom fetch forgot the signal this still ends the reading; its promise may never settle.
    const cancel = () => void reader.cancel().catch(() => {})
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    for (;;) {
      const silent = () => turn.abort(new ConnectError('timeout-idle', `No byte in ${idleTimeout} ms`))
      const disarm = idleTimeout ? later(idleTimeout, silent, false) : undefined
      const { done, value } = await reader.read().finally(disarm)
      signal.throwIfAborted()
      if (done) return
      memory.failures = 0
      parser.push(value)
      // "Queue a task which, if the readyState attribute is set to a value other than CLOSED, dispatches the newly created
      // event": one for each, and no more is read until all of a chunk are dispatched.
      for (const { type, data, id } of events) {
        await task()
        signal.throwIfAborted()
        this.dispatchEvent(messageEvent(type, { data, origin, lastEventId: id }))
      }
      events = []
    }
  }

  /**
   * Whether to "reestablish the connection" or to "fail" it, which is for what the server refused, for a network error "if
   * the user agent knows that to be futile", as with an address that no network has, and for a fetch that was aborted.
   */
  #known(reason: unknown): ConnectError {
    if (reason instanceof ConnectError) return reason
    const { code, name } = reason as UnmissedError
    const isTooLarge = code === 'event-too-large'
    const futile = isTooLarge || name === 'AbortError' || !/^https?:/.test(this.url)
    return new ConnectError(isTooLarge ? code : 'network', 'The connection failed', !futile, { cause: reason })
  }

  /** What `close` aborts: one attempt with its body, or one wait. */
  #newTurn(): AbortController {
    this.#turn = new AbortController()
    if (this.#readyState === CLOSED) this.#turn.abort()
    return this.#turn
  }

  /** "Queue a task": the one door for `readyState` – except `close`, which fires nothing and is final. */
  async #enter(readyState: number, event: Event): Promise<void> {
    await task()
    if (this.#readyState === CLOSED) return
    this.#readyState = readyState
    this.dispatchEvent(event)
  }

  #handler<Fired extends Event>(type: string): Handler<Fired> {
    return (this.#handlers.get(type)?.value ?? null) as Handler<Fired>
  }

  /**
   * An event handler attribute (§8.1.8.1): it keeps its place among the listeners while it is replaced and loses it when
   * it is set to null, an object that cannot be called is kept and not called, and anything else counts as null.
   */
  #setHandler(type: string, value: unknown): void {
    const handlers = this.#handlers
    const known = handlers.get(type)
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
      known?.undo()
      handlers.delete(type)
    } else if (known) known.value = value
    else {
      const listener = (event: Event) => {
        const current = handlers.get(type)?.value
        // "If return value is false, then set event's canceled flag."
        if (typeof current === 'function' && current.call(this, event) === false) event.preventDefault()
      }
      handlers.set(type, { value, undo: () => this.removeEventListener(type, listener) })
      if (!callsHandlers) this.addEventListener(type, listener)
    }
  }
}

/** Whether EventTarget looks for handlers by itself, as workerd's does: ours would run twice. */
const callsHandlers = (() => {
  let called = false
  const target = Object.assign(new EventTarget(), { ona: () => (called = true) })
  target.dispatchEvent(new Event('a'))
  return called
})()

for (const constants of [EventSource, EventSource.prototype])
  for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSED }))
    Object.defineProperty(constants, name, { value, enumerable: true })

// Web IDL wants members enumerable, where classes hide them.
for (const name of Object.getOwnPropertyNames(EventSource.prototype))
  if (name !== 'constructor') Object.defineProperty(EventSource.prototype, name, { enumerable: true })
Object.defineProperty(EventSource.prototype, Symbol.toStringTag, { value: 'EventSource', configurable: true })
