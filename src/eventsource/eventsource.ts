import type {
  AddEventListenerOptions,
  AnyEventListener,
  EventListenerOptions,
  MessageEventOf,
} from '../client/web-types.ts'
import { checkInit } from './check-options.ts'
import { CLOSED, CONNECTING, type Connection, createConnection, OPEN } from './connection.ts'
import type { ConnectionErrorEvent } from './events.ts'
import { createHandlers } from './handlers.ts'
import type { EventSourceInit } from './init.ts'

/** The types of the events that every `EventSource` fires; the server may name others. */
export interface EventSourceEventMap {
  error: ConnectionErrorEvent
  message: MessageEventOf<string>
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
    options?: AddEventListenerOptions,
  ): void
  addEventListener(type: string, listener: Listener<MessageEventOf<string>>, options?: AddEventListenerOptions): void
  addEventListener(type: string, listener: AnyEventListener, options?: AddEventListenerOptions): void
  removeEventListener<Type extends keyof EventSourceEventMap>(
    type: Type,
    listener: Listener<EventSourceEventMap[Type]>,
    options?: EventListenerOptions,
  ): void
  removeEventListener(type: string, listener: Listener<MessageEventOf<string>>, options?: EventListenerOptions): void
  removeEventListener(type: string, listener: AnyEventListener, options?: EventListenerOptions): void
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
  readonly #connection: Connection
  readonly #handlers = createHandlers(this)

  constructor(url: string | URL, init: EventSourceInit = {}) {
    super()
    // What Web IDL does with missing arguments, and with a dictionary that is none.
    // biome-ignore lint/complexity/noArguments: an argument that is undefined is a URL, one that is missing an error
    if (arguments.length === 0) throw new TypeError('EventSource needs a URL')
    if (init !== null && typeof init !== 'object' && typeof init !== 'function')
      throw new TypeError('EventSource needs an object')
    // A copy, as of any dictionary.
    const options = { ...init }
    checkInit(options)
    // A mistake of the program is thrown at once; what a function gives may be better the next time.
    if (typeof options.headers !== 'function') options.headers = new Headers(options.headers ?? undefined)
    const text = `${url}`
    let address: URL
    try {
      address = new URL(text, options.baseURL ?? globalThis.document?.baseURI ?? globalThis.location?.href)
    } catch {
      throw new DOMException(`EventSource needs a URL, not ${text}`, 'SyntaxError')
    }
    this.#url = address
    this.#withCredentials = Boolean(options.withCredentials)
    this.#connection = createConnection(address, options, (event) => fire(this, event))
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
    return this.#connection.readyState()
  }
  /** What to resume after: the last event id, as of the events that were dispatched. */
  get lastEventId(): string {
    return this.#connection.lastEventId()
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
  set onmessage(value: Handler<MessageEventOf<string>>) {
    this.#handlers.set('message', value)
  }
  /** Called when a connection is lost: `readyState` tells whether for good. */
  get onerror(): AnyHandler {
    return this.#handlers.get('error') as AnyHandler
  }
  set onerror(value: Handler<ConnectionErrorEvent>) {
    this.#handlers.set('error', value)
  }

  override dispatchEvent(event: Event): boolean {
    // "Initialize event's isTrusted attribute to false" (DOM): what a script fires, be it one of ours again, is its own.
    Reflect.defineProperty(event, 'isTrusted', { value: false })
    return super.dispatchEvent(event)
  }

  /** Ends the connection for good. */
  close(): void {
    this.#connection.close()
  }
}

/** Of what the user agent fires, unless somebody fires it again elsewhere. */
const TRUSTED: PropertyDescriptor & ThisType<Event> = {
  get() {
    return this.target instanceof EventSource
  },
  enumerable: true,
  configurable: true,
}

/**
 * Fires an event as the user agent does: past a `dispatchEvent` of a subclass, and trusted. Browsers and Bun keep
 * `isTrusted` to themselves: there it stays false, and this does nothing about it.
 */
export function fire(source: EventSource, event: Event): void {
  Reflect.defineProperty(event, 'isTrusted', TRUSTED)
  EventTarget.prototype.dispatchEvent.call(source, event)
}

for (const holder of [EventSource, EventSource.prototype])
  Object.defineProperties(holder, {
    CONNECTING: { value: CONNECTING, enumerable: true },
    OPEN: { value: OPEN, enumerable: true },
    CLOSED: { value: CLOSED, enumerable: true },
  })

// Web IDL wants members enumerable, where classes hide them.
for (const name of Object.getOwnPropertyNames(EventSource.prototype))
  if (name !== 'constructor') Object.defineProperty(EventSource.prototype, name, { enumerable: true })
Object.defineProperty(EventSource.prototype, Symbol.toStringTag, { value: 'EventSource', configurable: true })
