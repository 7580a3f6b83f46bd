import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser } from '../protocol/parser.ts'
import { type Answer, attempt } from './attempt.ts'
import type { Connection } from './connect.ts'
import { delay, later } from './delay.ts'
import { isOffline, watch } from './environment.ts'
import { ConnectError } from './errors.ts'
import { call, createListeners } from './listeners.ts'
import type { CloseReason, ConnectOptions, ConnectUrl, Snapshot, State } from './options.ts'
import { detect } from './platform.ts'
import { drain, end, type Queue } from './queue.ts'
import { read } from './read.ts'
import { createSeen, fromBytes } from './resume.ts'
import { backoff, type RetryOptions, retryAfter } from './retry.ts'
import { decode } from './schema.ts'

type AnyEvent = ServerSentEvent<string, unknown>

/** How many heartbeats may pass without a byte. */
const HEARTBEATS = 2.5

export function createConnection(url: ConnectUrl, options: ConnectOptions): Connection<Record<string, unknown>> {
  const { signal: outer, retry, until, cursor, resume: kept, unref, connectTimeout } = options
  const policy: RetryOptions = Object(retry)
  const { limit = Infinity, max = 30_000, stable = 5000, base = 1000 } = policy
  const listeners = createListeners()
  const watchers = new Set<(snapshot: Snapshot) => unknown>()
  const queues = new Set<Queue<AnyEvent>>()
  const isRepeat = createSeen(options.dedupeSize ?? 1024)
  const platform = detect()
  /** Aborted when all is over; takes our listeners elsewhere with it. */
  const life = new AbortController()

  // What outlives a body.
  let id = options.lastEventId ?? ''
  /** The origin that named the id; missing while the caller did. */
  let idOrigin: string | undefined
  let load = kept?.load
  let floor = base
  let bodies = 0
  let savedId: string | undefined
  // What happened since all was well.
  let failures = 0
  let unauthorized = false
  let wellSince = Date.now()
  // What came of the body of now.
  let spokeAt = 0
  let delivered = false
  let checkSilence: (() => void) | undefined
  let makeRoom: (() => void) | undefined

  /** Whether the request of now may be sent again. */
  let mayRepeat = true
  let paused = false
  /** How often somebody outside the loop cut it short, which must not be missed between two of its awaits. */
  let cuts = 0
  /** One attempt with its body, or one wait. Aborted with a ConnectError where it fails, else where it is cut short. */
  let turn = new AbortController()
  let snapshot: Snapshot = {
    state: 'connecting',
    attempt: 1,
    delay: undefined,
    error: undefined,
    lastEventId: id,
  }
  let settleOpened: (error?: ConnectError) => void
  let settleClosed: (reason: CloseReason) => void
  const opened = new Promise<void>((resolve, reject) => {
    settleOpened = (error) => (error ? reject(error) : resolve())
  })
  const closed = new Promise<CloseReason>((resolve) => {
    settleClosed = resolve
  })
  opened.catch(() => {})

  /** The one door for state. */
  function enter(state: State, error?: ConnectError, delay?: number, attempt = snapshot.attempt) {
    const now: Snapshot = { state, attempt, delay, error, lastEventId: id }
    snapshot = now
    call(options.onState, now)
    // Whoever hears of a state may change it; the others then hear of the newest only.
    for (const watcher of [...watchers]) if (snapshot === now) call(watcher, now)
  }

  // One loop for the whole life: only it makes attempts, one after the other, so that no race can make two.
  async function run() {
    // Whoever listens before the caller's code gives way hears everything.
    await undefined
    while (!life.signal.aborted) {
      turn = new AbortController()
      if (paused) await aborted(turn.signal)
      else {
        connecting()
        const before = cuts
        const error = await live(turn)
        if (error && before === cuts) await recover(error)
      }
    }
  }

  /** One attempt until it is over: what went wrong with it, or nothing if it was cut short. */
  async function live(turn: AbortController): Promise<ConnectError | undefined> {
    const { signal } = turn
    if (signal.aborted) return undefined
    const timeout = connectTimeout ?? 30_000
    function expire() {
      if (connectTimeout || mayRepeat) turn.abort(new ConnectError('timeout-connect', `No answer in ${timeout} ms`))
    }
    const stop = timeout > 0 ? later(timeout, expire, unref) : undefined
    mayRepeat = true
    try {
      const answer = await race(request(signal), signal).finally(stop)
      if (answer) await stream(answer, turn)
      else if (!signal.aborted) finish('stopped')
      throw new ConnectError('ended', 'The stream ended')
    } catch (caught) {
      const error = signal.aborted ? signal.reason : caught
      if (signal.aborted || error instanceof ConnectError) return error instanceof ConnectError ? error : undefined
      const { code } = Object(error)
      const large = code === 'event-too-large'
      return new ConnectError(large ? code : 'request', 'The attempt failed', !large, { cause: error })
    } finally {
      // Whatever still hangs on the attempt goes with it.
      turn.abort()
      checkSilence = undefined
    }
  }

  async function request(signal: AbortSignal) {
    const loaded = await load?.()
    signal.throwIfAborted()
    load = undefined
    id = loaded ?? id
    const asked = id
    const answer = await attempt({
      url,
      options,
      info: { attempt: failures + 1, lastEventId: asked },
      platform,
      id: id || (idOrigin && id),
      idOrigin,
      signal,
      onRequest(isRepeatable) {
        mayRepeat = isRepeatable || !!retry
      },
      onWarning: tell,
    })
    return answer && { ...answer, asked }
  }

  async function stream({ response, origin, asked }: Answer & { asked: string }, turn: AbortController) {
    const { signal } = turn
    const { headers } = response
    const ours = headers.get('unmissed')
    const resumed = headers.get('last-event-id')
    const dedupe = options.dedupe ?? /\bids=unique\b/.test(`${ours}`)
    const body = ++bodies
    let named: string | undefined

    function learn(next: string | undefined) {
      if (next === undefined) return
      id = next
      idOrigin = origin
    }
    const parser = createParser({
      maxEventSize: options.maxEventSize,
      lastEventId: cursor ? '' : id,
      onRetry(milliseconds) {
        floor = milliseconds
      },
      onComment(text) {
        call(options.onComment, text)
        signal.throwIfAborted()
      },
      onId(next, hasEvent) {
        named = hasEvent ? next : undefined
        if (!cursor) learn(next)
      },
      onEvent(raw) {
        const own = named
        named = undefined
        if (dedupe && own && isRepeat(own, body)) return
        delivered = true
        if (raw.data === until) finish('ended')
        else {
          if (ours && raw.type === 'gap') call(options.onGap, { asked, resumed: undefined, data: raw.data })
          listeners.emit(raw, readable)
          call(() => {
            learn(cursor?.(raw))
            if (typeof until === 'function' && until(raw)) finish('ended')
          })
        }
        // A listener may have closed us in the middle of a chunk: what is left of it is not delivered.
        signal.throwIfAborted()
      },
    })

    spokeAt = 0
    delivered = false
    // Between two awaits somebody may have had another wish; `read` then closes the body.
    if (!signal.aborted) enter('open')
    if (!signal.aborted) {
      settleOpened()
      call(options.onOpen, response)
      // Our server tells it in an event, which says more.
      if (asked && !ours && resumed !== null && fromBytes(resumed) !== asked)
        call(options.onGap, { asked, resumed: fromBytes(resumed), data: undefined })
    }
    if (response.body)
      await read(response.body, parser, turn, {
        onChunk() {
          spokeAt ||= Date.now()
        },
        onRead() {
          if (id !== (savedId ?? asked)) call(kept?.save, id)
          savedId = id
        },
        full() {
          if (!isFull()) return
          return new Promise<void>((resolve) => {
            makeRoom = resolve
          })
        },
        onWatch(check) {
          checkSilence = check
        },
        idle: options.idleTimeout ?? Number(/\bheartbeat=(\d+)/.exec(`${ours}`)?.[1] ?? 0) * HEARTBEATS,
        unref,
      })
  }

  /** Decides what a failure means: wait, ask for a new token, or give up. */
  async function recover(error: ConnectError) {
    const { status, headers, code } = error
    const now = Date.now()
    turn = new AbortController()
    const { signal } = turn
    // A server that says something and soon ends its answer does so on purpose, and is well.
    if (code === 'ended' && delivered && now - spokeAt < stable) forget()
    else {
      judge()
      failures++
    }
    if ((status === 401 || status === 403) && options.onUnauthorized && !unauthorized) {
      unauthorized = true
      error.attempt = snapshot.attempt
      const renewed = await race(Promise.resolve(error).then(options.onUnauthorized), signal).catch(() => false)
      if (signal.aborted || renewed !== false) return
    }
    let wait: number | boolean = backoff(failures, Math.max(floor, retryAfter(headers, now)), policy)
    // Being offline may be a mistake of the machine's: we wait long, but not for ever.
    if (isOffline()) wait = Math.max(wait, max)
    if (typeof retry === 'function') {
      const failure = { error, status, headers, attempt: snapshot.attempt, elapsed: now - wellSince, delay: wait }
      let answer = false as boolean | number
      call(() => {
        answer = retry(failure)
      })
      if (answer !== true) wait = answer
    } else if (!error.retryable || retry === false || !mayRepeat || failures > limit) wait = false

    if (wait === false) {
      if (code === 'ended' && until === undefined && failures <= limit) return finish('ended')
      tell(error)
      return finish('failed', error)
    }
    tell(error, wait)
    if (!signal.aborted) enter('waiting', error, wait)
    await delay(wait, signal, unref)
  }

  function tell(error: ConnectError, delay?: number) {
    call(options.onError, Object.assign(error, { attempt: snapshot.attempt, delay }))
  }
  function readable(raw: ServerSentEvent): AnyEvent | undefined {
    try {
      return decode(raw, options.parse, options.schemas)
    } catch (error) {
      tell(error as ConnectError)
      return undefined
    }
  }
  function isFull() {
    for (const { items } of queues) if (items.length >= (options.highWaterMark ?? 64)) return true
    return false
  }

  /** Only a stream that lasted and spoke proves the server well: one that drops us at once would be hammered. */
  function judge() {
    if (spokeAt && Date.now() - spokeAt >= stable) forget()
    spokeAt = 0
  }
  function forget() {
    failures = 0
    unauthorized = false
    wellSince = Date.now()
  }
  function connecting() {
    judge()
    const { state, attempt, error } = snapshot
    if (state !== 'connecting' || attempt !== failures + 1) enter('connecting', error, undefined, failures + 1)
  }
  function cut() {
    cuts++
    turn.abort()
  }
  function pause() {
    if (paused || life.signal.aborted) return
    paused = true
    cut()
    enter('paused')
  }
  function reconnect() {
    if (life.signal.aborted) return
    paused = false
    cut()
    connecting()
  }
  function resume() {
    if (paused) reconnect()
  }
  function finish(reason: CloseReason, error?: ConnectError) {
    if (life.signal.aborted) return
    life.abort()
    cut()
    enter('closed', error)
    // Who closed it wants no more.
    for (const queue of queues) end(queue, reason === 'closed' || reason === 'aborted')
    settleOpened(error ?? new ConnectError('closed', 'Closed before it opened'))
    settleClosed(reason)
  }
  const close = () => finish('closed')
  const abort = () => finish('aborted')

  function listen(first: unknown, second: unknown, once?: boolean) {
    const [type, run] = typeof first === 'function' ? [undefined, first] : [first, second]
    return listeners.add(type as string | undefined, run as (event: AnyEvent) => unknown, once)
  }
  function iterate(types: readonly (string | undefined)[], leave?: () => void): AsyncIterableIterator<AnyEvent> {
    const queue: Queue<AnyEvent> = { items: [], over: false, wake() {} }
    // Begins at the first `next()`, which `for await` calls at once: one that is never iterated holds nothing up.
    async function* generate() {
      const undos = [...new Set(types)].map((type) =>
        listeners.add(type, (event) => {
          queue.items.push(event)
          queue.wake()
        }),
      )
      queues.add(queue)
      queue.over = life.signal.aborted
      try {
        yield* drain(queue, () => makeRoom?.())
        if (snapshot.error) throw snapshot.error
      } finally {
        for (const undo of undos) undo()
        queues.delete(queue)
        makeRoom?.()
        leave?.()
      }
    }
    const generator = generate()
    return {
      next: () => generator.next(),
      return() {
        end(queue, true)
        return generator.return(undefined)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  if (outer?.aborted) abort()
  else {
    outer?.addEventListener('abort', abort, { signal: life.signal })
    const wake = () => {
      checkSilence?.()
      if (snapshot.state === 'waiting') reconnect()
    }
    watch({ isPaused: () => paused, pause, resume, wake }, life.signal, options.pauseWhenHidden?.after)
    run()
  }

  return {
    on: (first: unknown, second?: unknown) => listen(first, second),
    once: (first: unknown, second?: unknown) => listen(first, second, true),
    events: (...types: string[]) => iterate(types.length ? types : [undefined]),
    [Symbol.asyncIterator]: () => iterate([undefined], close),
    subscribe(listener) {
      const watcher = (now: Snapshot) => listener(now)
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    get state() {
      return snapshot.state
    },
    get snapshot() {
      // The id moves with the events; to tell everybody would make a state of each.
      const lastEventId = id
      if (snapshot.lastEventId !== lastEventId) snapshot = { ...snapshot, lastEventId }
      return snapshot
    },
    get lastEventId() {
      return id
    },
    opened,
    closed,
    pause,
    resume,
    reconnect,
    close,
    [Symbol.dispose]: close,
    async [Symbol.asyncDispose]() {
      close()
    },
  } as Connection<Record<string, unknown>>
}

const aborted = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))

/** The promise, or the reason of the signal if that comes first: a fetch or a function of the caller may ignore it. */
function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    promise.then(resolve, reject)
  })
}
