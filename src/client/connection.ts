import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser } from '../protocol/parser.ts'
import { type Answer, attempt } from './attempt.ts'
import type { Connection } from './connect.ts'
import { delay, later } from './delay.ts'
import { isOffline, watch } from './environment.ts'
import { ConnectError } from './errors.ts'
import { call, Listeners } from './listeners.ts'
import type { CloseReason, ConnectOptions, ConnectUrl, Snapshot, State } from './options.ts'
import { detect } from './platform.ts'
import { drain, end, type Queue } from './queue.ts'
import { read } from './read.ts'
import { createSeen, fromBytes } from './resume.ts'
import { backoff, type RetryOptions, retryAfter } from './retry.ts'
import { decode } from './schema.ts'
import { fail, heed, type Turn } from './turn.ts'

type AnyEvent = ServerSentEvent<string, unknown>
type Watcher = (snapshot: Snapshot) => unknown

/** How many heartbeats may pass without a byte. */
const HEARTBEATS = 2.5

// A class, because a thousand connections would hold a thousand copies of every closure.
export class LiveConnection implements Connection<Record<string, unknown>> {
  readonly opened: Promise<void>
  readonly closed: Promise<CloseReason>

  readonly #url: ConnectUrl
  readonly #options: ConnectOptions
  readonly #signal: AbortSignal | null | undefined
  readonly #policy: RetryOptions
  readonly #platform = detect()
  readonly #listeners = new Listeners()
  #watchers: readonly Watcher[] = []
  #queues: readonly Queue<AnyEvent>[] = []
  #unwatch: (() => void) | undefined
  #over = false
  #settleOpened!: (error?: ConnectError) => void
  #settleClosed!: (reason: CloseReason) => void
  #snapshot: Snapshot

  // What outlives a body.
  #id: string
  /** The origin that named the id; missing while the caller did. */
  #idOrigin: string | undefined
  #loaded = false
  #savedId: string | undefined
  #retry: number | undefined
  #isRepeat: ((id: string, body: number) => boolean) | undefined
  #bodies = 0

  // What happened since all was well.
  #failures = 0
  #unauthorized = false
  #wellSince = Date.now()

  // What came of the request of now, and of its body.
  #mayRepeat = true
  #spokeAt = 0
  #delivered = false
  #checkSilence: (() => void) | undefined
  #makeRoom: (() => void) | undefined

  #paused = false
  /** How often somebody outside the loop cut it short, which must not be missed between two of its awaits. */
  #cuts = 0
  #turn: Turn = new AbortController()

  constructor(url: ConnectUrl, options: ConnectOptions) {
    const { signal, lastEventId = '', retry, pauseWhenHidden } = options
    this.#url = url
    this.#options = options
    this.#signal = signal
    this.#policy = Object(retry)
    this.#id = lastEventId
    this.#snapshot = { state: 'connecting', attempt: 1, delay: undefined, error: undefined, lastEventId }
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = (error) => (error ? reject(error) : resolve())
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    if (signal?.aborted) this.#abort()
    else {
      signal?.addEventListener('abort', this.#abort)
      this.#unwatch = watch(this, () => this.#wake(), pauseWhenHidden?.after)
      this.#run()
    }
  }

  on(first: unknown, second?: unknown): () => void {
    return this.#listen(first, second)
  }
  once(first: unknown, second?: unknown): () => void {
    return this.#listen(first, second, true)
  }
  events(...types: string[]): AsyncIterableIterator<never> {
    return this.#iterate(types.length > 0 ? types : [undefined])
  }
  [Symbol.asyncIterator](): AsyncIterableIterator<AnyEvent> {
    return this.#iterate([undefined], true)
  }

  get state(): State {
    return this.#snapshot.state
  }
  get snapshot(): Snapshot {
    // The id moves with the events; to tell everybody would make a state of each.
    if (this.#snapshot.lastEventId !== this.#id) this.#snapshot = { ...this.#snapshot, lastEventId: this.#id }
    return this.#snapshot
  }
  get lastEventId(): string {
    return this.#id
  }
  subscribe(listener: Watcher): () => void {
    const watcher: Watcher = (snapshot) => listener(snapshot)
    this.#watchers = [...this.#watchers, watcher]
    return () => {
      this.#watchers = this.#watchers.filter((other) => other !== watcher)
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  // These are handed to buttons and signals, so each knows its connection.
  readonly pause = (): void => {
    if (this.#paused || this.#over) return
    this.#paused = true
    this.#cut()
    this.#enter('paused')
  }
  readonly resume = (): void => {
    if (this.#paused) this.reconnect()
  }
  readonly reconnect = (): void => {
    if (this.#over) return
    this.#paused = false
    this.#cut()
    this.#connecting()
  }
  readonly close = (): void => this.#finish('closed')
  readonly #abort = (): void => this.#finish('aborted')

  // One loop for the whole life: only it makes attempts, one after the other, so that no race can make two.
  async #run() {
    // Whoever listens before the caller's code gives way hears everything.
    await undefined
    while (!this.#over) {
      const turn: Turn = new AbortController()
      this.#turn = turn
      if (this.#paused) await new Promise((resolve) => turn.signal.addEventListener('abort', resolve))
      else {
        this.#connecting()
        const cuts = this.#cuts
        const error = await this.#live(turn)
        if (error && cuts === this.#cuts) await this.#recover(error)
      }
    }
  }

  /** One attempt until it is over: what went wrong with it, or nothing if it was cut short. */
  async #live(turn: Turn): Promise<ConnectError | undefined> {
    const { signal } = turn
    if (signal.aborted) return undefined
    try {
      const answer = await this.#answer(turn)
      if (answer) await this.#stream(answer, turn)
      else if (!signal.aborted) this.#finish('stopped')
      throw new ConnectError('ended', 'The stream ended')
    } catch (caught) {
      if (signal.aborted) return turn.error
      if (caught instanceof ConnectError) return caught
      const { code } = Object(caught)
      const large = code === 'event-too-large'
      return new ConnectError(large ? code : 'request', 'The attempt failed', !large, { cause: caught })
    } finally {
      // Whatever still hangs on the attempt goes with it.
      turn.abort()
      this.#checkSilence = undefined
    }
  }

  /** The answer to a request, if it begins in time. */
  async #answer(turn: Turn) {
    const { signal } = turn
    const { connectTimeout, unref } = this.#options
    const timeout = connectTimeout ?? 30_000
    const expire = () => {
      if (connectTimeout || this.#mayRepeat)
        fail(turn, new ConnectError('timeout-connect', `No answer in ${timeout} ms`))
    }
    const stop = timeout > 0 ? later(timeout, expire, unref) : undefined
    this.#mayRepeat = true
    try {
      return await race(this.#request(signal), signal)
    } finally {
      stop?.()
    }
  }

  async #request(signal: AbortSignal) {
    if (!this.#loaded) {
      const id = await this.#options.resume?.load?.()
      heed(signal)
      this.#loaded = true
      this.#id = id ?? this.#id
    }
    const asked = this.#id
    const answer = await attempt({
      url: this.#url,
      options: this.#options,
      info: { attempt: this.#failures + 1, lastEventId: asked },
      platform: this.#platform,
      id: asked || (this.#idOrigin && asked),
      idOrigin: this.#idOrigin,
      signal,
      onRequest: (isRepeatable) => {
        this.#mayRepeat = isRepeatable || !!this.#options.retry
      },
      onWarning: (error) => this.#tell(error),
    })
    return answer && { ...answer, asked }
  }

  #stream({ response, origin, asked }: Answer & { asked: string }, turn: Turn) {
    const options = this.#options
    const { until, cursor } = options
    const { signal } = turn
    const ours = response.headers.get('unmissed')
    const named = response.headers.get('last-event-id')
    const resumed = named !== null && !this.#platform.encodes ? fromBytes(named) : named
    const dedupe = options.dedupe ?? /\bids=unique\b/.test(`${ours}`)
    const idle = options.idleTimeout ?? Number(/\bheartbeat=(\d+)/.exec(`${ours}`)?.[1] ?? 0) * HEARTBEATS
    const body = ++this.#bodies
    const cuts = this.#cuts
    let own: string | undefined

    const learn = (id: string | undefined) => {
      if (id === undefined) return
      this.#id = id
      this.#idOrigin = origin
    }
    const { parse, schemas } = options
    const readable =
      (parse || schemas) &&
      ((raw: ServerSentEvent): AnyEvent | undefined => {
        try {
          return decode(raw, parse, schemas)
        } catch (error) {
          this.#tell(error as ConnectError)
          return undefined
        }
      })
    const parser = createParser({
      maxEventSize: options.maxEventSize,
      lastEventId: cursor ? '' : asked,
      onRetry: (milliseconds) => {
        this.#retry = milliseconds
      },
      onComment(text) {
        call(options.onComment, text)
        heed(signal)
      },
      onId(id, hasEvent) {
        own = hasEvent ? id : undefined
        if (!cursor) learn(id)
      },
      onEvent: (raw) => {
        const id = own
        own = undefined
        if (dedupe && id) {
          this.#isRepeat ??= createSeen(options.dedupeSize ?? 1024)
          if (this.#isRepeat(id, body)) return
        }
        this.#delivered = true
        if (raw.data === until) this.#finish('ended')
        else {
          if (ours && raw.type === 'gap') call(options.onGap, { asked, resumed: undefined, data: raw.data })
          this.#listeners.emit(raw, readable)
          if (cursor || until)
            call(() => {
              learn(cursor?.(raw))
              if (typeof until === 'function' && until(raw)) this.#finish('ended')
            })
        }
        // A listener may have closed us in the middle of a chunk: what is left of it is not delivered.
        if (cuts !== this.#cuts) heed(signal)
      },
    })

    this.#spokeAt = 0
    this.#delivered = false
    // Between two awaits somebody may have had another wish; `read` then closes the body.
    if (!signal.aborted) this.#enter('open')
    if (!signal.aborted) {
      this.#settleOpened()
      call(options.onOpen, response)
      // Our server tells it in an event, which says more.
      if (asked && !ours && resumed !== null && resumed !== asked)
        call(options.onGap, { asked, resumed, data: undefined })
    }
    return (
      response.body &&
      read(response.body, parser, turn, {
        idle,
        unref: options.unref,
        onChunk: () => {
          this.#spokeAt ||= Date.now()
        },
        onRead: () => {
          if (this.#id !== (this.#savedId ?? asked)) call(options.resume?.save, this.#id)
          this.#savedId = this.#id
        },
        full: () => {
          if (!this.#queues.some(({ items }) => items.length >= (options.highWaterMark ?? 64))) return
          return new Promise<void>((resolve) => {
            this.#makeRoom = resolve
          })
        },
        onWatch: (check) => {
          this.#checkSilence = check
        },
      })
    )
  }

  /** Decides what a failure means: wait, ask for a new token, or give up. */
  async #recover(error: ConnectError) {
    const { retry, until, onUnauthorized, unref } = this.#options
    const { limit = Infinity, max = 30_000, base = 1000 } = this.#policy
    const { status, headers, code } = error
    const now = Date.now()
    const { attempt } = this.#snapshot
    this.#turn = new AbortController()
    const { signal } = this.#turn
    // A server that says something and soon ends its answer does so on purpose, and is well.
    if (this.#judge() || code !== 'ended' || !this.#delivered) this.#failures++
    else this.#forget()
    if ((status === 401 || status === 403) && onUnauthorized && !this.#unauthorized) {
      this.#unauthorized = true
      error.attempt = attempt
      const renewed = await race(Promise.resolve(error).then(onUnauthorized), signal).catch(() => false)
      if (signal.aborted || renewed !== false) return
    }
    const failures = this.#failures
    let wait: number | boolean = backoff(
      failures,
      Math.max(this.#retry ?? base, retryAfter(headers, now)),
      this.#policy,
    )
    // Being offline may be a mistake of the machine's: we wait long, but not for ever.
    if (isOffline()) wait = Math.max(wait, max)
    if (typeof retry === 'function') {
      const failure = { error, status, headers, attempt, elapsed: now - this.#wellSince, delay: wait }
      let answer = false as boolean | number
      call(() => {
        answer = retry(failure)
      })
      if (answer !== true) wait = answer
    } else if (!error.retryable || retry === false || !this.#mayRepeat || failures > limit) wait = false

    if (wait === false) {
      if (code === 'ended' && until === undefined && failures <= limit) return this.#finish('ended')
      this.#tell(error)
      return this.#finish('failed', error)
    }
    this.#tell(error, wait)
    if (!signal.aborted) this.#enter('waiting', error, wait)
    await delay(wait, signal, unref)
  }

  /** The one door for state. */
  #enter(state: State, error?: ConnectError, delay?: number, attempt = this.#snapshot.attempt) {
    const snapshot: Snapshot = { state, attempt, delay, error, lastEventId: this.#id }
    this.#snapshot = snapshot
    call(this.#options.onState, snapshot)
    // Whoever hears of a state may change it; the others then hear of the newest only.
    for (const watcher of this.#watchers) if (this.#snapshot === snapshot) call(watcher, snapshot)
  }
  #connecting() {
    const { state, attempt, error } = this.#snapshot
    const next = this.#failures + 1
    if (state !== 'connecting' || attempt !== next) this.#enter('connecting', error, undefined, next)
  }
  #cut() {
    this.#judge()
    this.#cuts++
    this.#turn.abort()
  }
  /** The network or the machine may be back: look at the clock, and wait no longer. */
  #wake() {
    this.#checkSilence?.()
    if (this.state === 'waiting') this.reconnect()
  }
  #finish(reason: CloseReason, error?: ConnectError) {
    if (this.#over) return
    this.#over = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#unwatch?.()
    this.#cut()
    this.#enter('closed', error)
    // Who closed it wants no more.
    for (const queue of this.#queues) end(queue, reason === 'closed' || reason === 'aborted')
    this.#settleOpened(error ?? new ConnectError('closed', 'Closed before it opened'))
    this.#settleClosed(reason)
  }
  #tell(error: ConnectError, delay?: number) {
    call(this.#options.onError, Object.assign(error, { attempt: this.#snapshot.attempt, delay }))
  }

  /** Whether the body of now lasted and spoke. Only that proves a server well: one that drops us at once would be hammered. */
  #judge(): boolean {
    const well = this.#spokeAt > 0 && Date.now() - this.#spokeAt >= (this.#policy.stable ?? 5000)
    if (well) this.#forget()
    this.#spokeAt = 0
    return well
  }
  #forget() {
    this.#failures = 0
    this.#unauthorized = false
    this.#wellSince = Date.now()
  }

  #listen(first: unknown, second: unknown, once?: boolean) {
    const [type, run] = (typeof first === 'function' ? [undefined, first] : [first, second]) as [
      type: string | undefined,
      run: (event: AnyEvent) => unknown,
    ]
    const undo = this.#listeners.add(
      type,
      once
        ? (event) => {
            undo()
            return run(event)
          }
        : run,
    )
    return undo
  }

  #iterate(types: readonly (string | undefined)[], isWhole?: boolean): AsyncGenerator<never, undefined> {
    const queue: Queue<AnyEvent> = { items: [], over: false, wake() {} }
    const events = this.#generate(queue, types, isWhole) as AsyncGenerator<never, undefined>
    const leave = events.return.bind(events)
    // A generator that waits for an event is woken to be left: it would hear of it only at the next one.
    events.return = (value) => {
      end(queue, true)
      return leave(value)
    }
    return events
  }
  // Begins at the first `next()`, which `for await` calls at once: one that is never iterated holds nothing up.
  async *#generate(queue: Queue<AnyEvent>, types: readonly (string | undefined)[], isWhole?: boolean) {
    const undos = [...new Set(types)].map((type) =>
      this.#listeners.add(type, (event) => {
        queue.items.push(event)
        queue.wake()
      }),
    )
    this.#queues = [...this.#queues, queue]
    queue.over = this.#over
    try {
      yield* drain(queue, () => this.#makeRoom?.())
      if (this.#over && this.#snapshot.error) throw this.#snapshot.error
    } finally {
      for (const undo of undos) undo()
      this.#queues = this.#queues.filter((other) => other !== queue)
      this.#makeRoom?.()
      if (isWhole) this.close()
    }
  }
}

/** The promise, or the reason of the signal if that comes first: a fetch or a function of the caller may ignore it. */
function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    promise.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}
