import { delay, later } from '../client/delay.ts'
import { ConnectError } from '../client/errors.ts'
import { backoff, retryAfter } from '../client/retry.ts'
import type { UnmissedError } from '../protocol/errors.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser } from '../protocol/parser.ts'
import { ConnectionErrorEvent, messageEvent } from './events.ts'
import { createHandlers } from './handlers.ts'
import type { EventSourceInit } from './init.ts'
import { type Memory, request } from './request.ts'
import { task } from './task.ts'

/** The types of the events that every `EventSource` fires; the server may name others. */
export interface EventSourceEventMap {
  error: ConnectionErrorEvent
  message: MessageEvent<string>
  open: Event
}

type Listener<Fired extends Event> = (this: EventSource, event: Fired) => unknown
type Handler<Fired extends Event> = Listener<Fired> | null
/** What is read is loose, so that ours may stand wherever the native class is asked for. */
// biome-ignore lint/suspicious/noExplicitAny: no stricter type is assignable to the native one
type AnyHandler = ((this: any, event: any) => any) | null

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

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

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
  readonly #handlers = createHandlers(this)

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
  get onopen(): AnyHandler {
    return this.#handlers.get('open') as AnyHandler
  }
  set onopen(value: Handler<Event>) {
    this.#handlers.set('open', value)
  }
  /** Called with each event that the server gave no other name. */
  get onmessage(): AnyHandler {
    return this.#handlers.get('message') as AnyHandler
  }
  set onmessage(value: Handler<MessageEvent<string>>) {
    this.#handlers.set('message', value)
  }
  /** Called when a connection is lost: `readyState` tells whether for good. */
  get onerror(): AnyHandler {
    return this.#handlers.get('error') as AnyHandler
  }
  set onerror(value: Handler<ConnectionErrorEvent>) {
    this.#handlers.set('error', value)
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
      const exact = memory.failures === 0 ? { random: () => 0 } : {}
      const floor = Math.max(memory.reconnectionTime, retryAfter(error.headers, Date.now()))
      await delay(backoff(memory.failures++, floor, { ...retry, ...exact }), this.#newTurn().signal, false)
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
      let tooLarge: unknown
      try {
        parser.push(value)
      } catch (error) {
        tooLarge = error
      }
      // "Queue a task which, if the readyState attribute is set to a value other than CLOSED, dispatches the newly created
      // event": one for each, and no more is read until all of a chunk are dispatched.
      for (const { type, data, id } of events) {
        await task()
        signal.throwIfAborted()
        this.dispatchEvent(messageEvent(type, { data, origin, lastEventId: id }))
      }
      events = []
      if (tooLarge) throw tooLarge
    }
  }

  /**
   * Whether to "reestablish the connection" or to "fail" it, which is for what the server refused, for a network error "if
   * the user agent knows that to be futile", as with an address that no network has, and for a fetch that was aborted.
   */
  #known(reason: unknown): ConnectError {
    if (reason instanceof ConnectError) return reason
    // Some reject with nothing at all.
    const { code, name } = Object(reason) as UnmissedError
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
}

for (const constants of [EventSource, EventSource.prototype])
  for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSED }))
    Object.defineProperty(constants, name, { value, enumerable: true })

// Web IDL wants members enumerable, where classes hide them.
for (const name of Object.getOwnPropertyNames(EventSource.prototype))
  if (name !== 'constructor') Object.defineProperty(EventSource.prototype, name, { enumerable: true })
Object.defineProperty(EventSource.prototype, Symbol.toStringTag, { value: 'EventSource', configurable: true })
