import type { EventIterator } from '../protocol/event.ts'
import type { Outcome } from '../protocol/outcome.ts'
import { Consumers } from './consumers.ts'
import { Control } from './control.ts'
import { Cursors } from './cursors.ts'
import { BY_CALLER } from './environment.ts'
import { Health } from './health.ts'
import type { AnyEvent } from './listeners.ts'
import { run, type Turn } from './loop.ts'
import { toAddress, toHeaders } from './mistakes.ts'
import type { CloseReason, ConnectOptions, ConnectUrl, ListenOptions, Snapshot, State } from './options.ts'
import { detect } from './platform.ts'
import type { Shared } from './shared.ts'
import { Status } from './status.ts'

type Run = (event: AnyEvent) => unknown
/** Makes the turn of a connection that is shared; nothing where that cannot be. */
export type Sharing = (shared: Shared, control: Control) => Turn | undefined

/** What the caller holds of a connection. A class, because a thousand would hold a thousand copies of every closure. */
export class Handle {
  readonly #status: Status
  readonly #consumers: Consumers
  readonly #control: Control
  readonly #shared: Shared
  /** Whether somebody waits to hear how it goes. */
  #isAwaited = false

  /** Begins with a reconnection time that the server has named to another connection. */
  constructor(url: ConnectUrl, options: ConnectOptions, retry?: number) {
    const { lastEventId = '', resume, retry: given, headers, idempotencyKey, share } = options
    // A mistake is told where it was made; functions may answer better next time.
    if (typeof url !== 'function') toAddress(url, options)
    if (typeof headers !== 'function') toHeaders(headers)
    const cursors = new Cursors(lastEventId, resume)
    const status = new Status(options, cursors)
    const consumers = new Consumers(options, cursors, (error) => status.tell(error))
    status.hasListeners = () => this.#isAwaited || consumers.hasLoops
    const policy = typeof given === 'function' ? { when: given } : (typeof given === 'object' && given) || {}
    const platform = detect()
    const health = new Health()
    const shared: Shared = {
      url,
      options,
      policy,
      platform,
      cursors,
      status,
      consumers,
      health,
      isSafe: true,
      key: idempotencyKey === true ? newKey() : idempotencyKey,
      bodies: 0,
      retry,
    }
    const control = new Control(shared)
    this.#status = status
    this.#consumers = consumers
    this.#control = control
    this.#shared = shared
    run(shared, control, (share as { turn: Sharing } | undefined)?.turn(shared, control))
  }

  on(first: unknown, second?: unknown, third?: unknown): () => void {
    const [type, run, options] = typeof first === 'function' ? [undefined, first, second] : [first, second, third]
    return this.#consumers.on(type as string | undefined, run as Run, (options as ListenOptions | undefined)?.signal)
  }
  next(type?: string, options?: ListenOptions): Promise<never> {
    const next = this.#consumers.next(type, options)
    // Nobody has to handle it, as with `opened`.
    next.catch(() => {})
    return next as Promise<never>
  }
  iterate(...types: string[]): EventIterator<never> {
    return this.#consumers.iterate(types.length > 0 ? types : [undefined]) as never
  }
  [Symbol.asyncIterator](): never {
    return this.#consumers.iterate([undefined], this.close) as never
  }

  get opened(): Promise<void> {
    this.#isAwaited = true
    return this.#control.opened
  }
  get closed(): Promise<CloseReason> {
    this.#isAwaited = true
    return this.#control.closed
  }
  get state(): State {
    return this.#status.snapshot.state
  }
  get snapshot(): Snapshot {
    return this.#status.snapshot
  }
  /** The server's reconnection time, in milliseconds. */
  get retry(): number | undefined {
    return this.#shared.retry
  }
  get location(): string | undefined {
    return this.#shared.cursors.resource?.href
  }
  get outcome(): Outcome | undefined {
    return this.#status.snapshot.outcome
  }
  get lastEventId(): string {
    return this.#status.snapshot.lastEventId
  }
  subscribe(listener: (snapshot: Snapshot) => unknown): () => void {
    return this.#status.subscribe(listener)
  }

  /** What it is, for logs. */
  toJSON(): object {
    const { state, attempt, delay, error, lastEventId } = this.#status.snapshot
    return { request: this.#shared.where, state, attempt, delay, error: error?.message, lastEventId }
  }
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: object,
    inspect: (value: object, options: object) => string,
  ): string {
    return `Connection ${inspect(this.toJSON(), options)}`
  }

  [Symbol.dispose](): void {
    this.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  // These are handed to buttons and signals, so each knows its connection.
  readonly pause = (): void => this.#control.pause(BY_CALLER)
  readonly unpause = (): void => this.#control.unpause(BY_CALLER)
  readonly reconnect = (): void => this.#control.reconnect()
  readonly close = (): void => this.#control.finish('closed')
}

/** `crypto.randomUUID` is not there on pages without TLS. */
const newKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-')
