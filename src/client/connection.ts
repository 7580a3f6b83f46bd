import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser } from '../protocol/parser.ts'
import { attempt } from './attempt.ts'
import type { Connection } from './connect.ts'
import { after, delay } from './delay.ts'
import { isOffline, watch } from './environment.ts'
import { ConnectError } from './errors.ts'
import { call, createListeners } from './listeners.ts'
import type { CloseReason, ConnectOptions, ConnectUrl, Snapshot } from './options.ts'
import { detect } from './platform.ts'
import { createQueue, type Queue } from './queue.ts'
import { read } from './read.ts'
import { createSeen, headerText, headerValue } from './resume.ts'
import { backoff, retryAfter } from './retry.ts'
import { decode } from './schema.ts'

type AnyEvent = ServerSentEvent<string, unknown>

/** Why a turn was cut short when nothing went wrong: somebody paused, resumed, reconnected or closed. */
const INTERRUPTED = Symbol('interrupted')

/** How many heartbeats may pass without a byte. */
const HEARTBEATS = 2.5

export function createConnection(url: ConnectUrl, options: ConnectOptions): Connection<Record<string, unknown>> {
  const { signal: outer, retry, until, connectTimeout, unref } = options
  const policy = typeof retry === 'object' ? retry : {}
  const platform = detect()
  const listeners = createListeners()
  const watchers = new Set<(snapshot: Snapshot) => unknown>()
  const queues = new Set<Queue<AnyEvent>>()
  const seen = createSeen(options.dedupeSize ?? 1024)
  const opened = settler<void>()
  const closed = settler<CloseReason>()
  /** Who wants us to be paused. */
  const holds = new Set<string>()

  // What outlives a body.
  let load = options.resume?.load
  let id = options.lastEventId
  let savedId = id
  let idOrigin: string | undefined
  let serverRetry: number | undefined
  let bodies = 0
  // What happened since all was well.
  let failures = 0
  let healthy = Date.now()
  let unauthorized = false
  // What is known of this attempt.
  let repeatable = true
  let openSince = 0
  let heard = false
  let delivered = false
  let due = 0
  let checkSilence: (() => void) | undefined

  /** One attempt and its body, or one wait. Aborted with INTERRUPTED, or with the error that ends it. */
  let turn = new AbortController()
  let snapshot: Snapshot = {
    state: 'connecting',
    attempt: 1,
    delay: undefined,
    error: undefined,
    lastEventId: id ?? '',
  }

  /** The one door for state. */
  function enter(state: Snapshot['state'], changes: Partial<Snapshot> = {}) {
    const now: Snapshot = { ...snapshot, delay: undefined, ...changes, state, lastEventId: id ?? '' }
    snapshot = now
    call(options.onState, now)
    // Whoever hears of a state may change it; the others then hear of the newest only.
    for (const watcher of [...watchers]) if (snapshot === now) call(watcher, now)
  }

  // One loop for the whole life: only it makes attempts, one after the other, so that no race can make two.
  async function run() {
    // Whoever listens before the caller's code gives way hears everything.
    await undefined
    while (snapshot.state !== 'closed') {
      turn = new AbortController()
      const { signal } = turn
      if (holds.size) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      else {
        connecting()
        const error = signal.aborted ? undefined : await live(turn)
        if (error) await recover(error)
      }
    }
  }

  /** One attempt until it is over: what went wrong with it, or nothing if it was interrupted. */
  async function live(turn: AbortController): Promise<ConnectError | undefined> {
    const { signal } = turn
    try {
      await stream(turn)
      throw new ConnectError('ended', 'The stream ended.', true)
    } catch (caught) {
      const error = signal.aborted ? signal.reason : caught
      if (error === INTERRUPTED || error instanceof ConnectError) return error === INTERRUPTED ? undefined : error
      const { code, message } = Object(error) as { code?: unknown; message?: string }
      return code === 'event-too-large'
        ? new ConnectError(code, `${message}`, false, { cause: error })
        : new ConnectError('request', `The request could not be made: ${message}`, true, { cause: error })
    } finally {
      // Whatever still hangs on the attempt goes with it.
      turn.abort(INTERRUPTED)
      checkSilence = undefined
    }
  }

  async function stream(turn: AbortController) {
    const { signal } = turn
    repeatable = true
    const timeout = connectTimeout ?? 30_000
    const expire = () => {
      if (connectTimeout !== undefined || repeatable)
        turn.abort(new ConnectError('timeout-connect', `No answer came within ${timeout} ms.`, true))
    }
    const stop = timeout > 0 ? after(timeout, expire, unref) : undefined
    const answer = await race(request(signal), signal).finally(stop)
    if (!answer) return finish('stopped')

    const { response, origin, asked } = answer
    const { headers } = response
    const announced = headers.get('unmissed') ?? ''
    const heartbeat = Number(/(?:^|,)\s*heartbeat=(\d+)/.exec(announced)?.[1] ?? 0)
    const dedupe = options.dedupe ?? /(?:^|,)\s*ids=unique\s*(?:[,;]|$)/.test(announced)
    const resumed = headers.get('last-event-id')
    const body = ++bodies
    let named: string | undefined

    openSince = Date.now()
    heard = delivered = false
    enter('open', { error: undefined })
    opened.resolve()
    call(options.onOpen, response)
    // Ours tells it in an event as well, which says more.
    if (asked && !announced && resumed !== null && resumed !== headerValue(asked))
      call(options.onGap, { asked, resumed: headerText(resumed), data: undefined })

    const parser = createParser({
      maxEventSize: options.maxEventSize,
      lastEventId: options.cursor ? '' : id,
      onRetry(milliseconds) {
        serverRetry = milliseconds
      },
      onComment(text) {
        call(options.onComment, text)
        signal.throwIfAborted()
      },
      onId(next) {
        named = next
        if (!options.cursor) learn(next)
      },
      onEvent(raw) {
        const own = named
        named = undefined
        if (dedupe && own && seen(own, body)) return
        delivered = true
        if (raw.data === until) finish('ended')
        else {
          if (announced && raw.type === 'gap') call(options.onGap, { asked, resumed: undefined, data: raw.data })
          listeners.emit(raw, readable)
          call(() => {
            const next = options.cursor?.(raw)
            if (next !== undefined) learn(next)
            if (typeof until === 'function' && until(raw)) finish('ended')
          })
        }
        // A listener may have closed us in the middle of a chunk: what is left of it is not delivered.
        signal.throwIfAborted()
      },
    })
    function learn(next: string) {
      id = next
      idOrigin = origin
    }
    if (response.body)
      await read(response.body, parser, turn, {
        idle: options.idleTimeout ?? heartbeat * HEARTBEATS,
        unref,
        full,
        onWatch(check) {
          checkSilence = check
        },
        onChunk() {
          heard = true
        },
        onRead() {
          if (id === undefined || id === savedId) return
          savedId = id
          call(options.resume?.save, id)
        },
      })
  }

  async function request(signal: AbortSignal) {
    if (load) id = (await load()) ?? id
    signal.throwIfAborted()
    load = undefined
    const info = { attempt: failures + 1, lastEventId: id ?? '' }
    const onRequest = (safe: boolean) => {
      repeatable = safe || (retry !== undefined && retry !== false)
    }
    const answer = await attempt({ url, options, info, platform, id, idOrigin, signal, onRequest, onWarning: tell })
    return answer && { ...answer, asked: info.lastEventId }
  }

  /** Decides what a failure means: wait, ask for a new token, or give up. */
  async function recover(error: ConnectError) {
    const { limit = Infinity, max = 30_000, stable = 5000, base = 1000 } = policy
    const ended = error.code === 'ended'
    error.attempt = snapshot.attempt
    // A server that sends something and ends its answer soon does so on purpose, and is well.
    if (ended && delivered && Date.now() - openSince < stable) forget()
    else {
      judge()
      failures++
    }
    if ((error.status === 401 || error.status === 403) && options.onUnauthorized && !unauthorized) {
      unauthorized = true
      turn = new AbortController()
      const { signal } = turn
      const asked = Promise.resolve(error).then(options.onUnauthorized)
      const renewed = await race(asked, signal).catch(() => false)
      if (signal.aborted || renewed !== false) return
    }
    const { status, headers } = error
    const floor = Math.max(serverRetry ?? base, retryAfter(headers, Date.now()))
    let wait: number | boolean = backoff(failures, floor, policy)
    // Being offline may be a mistake of the machine's: it makes us wait, not wait for ever.
    if (isOffline()) wait = Math.max(wait, max)
    if (typeof retry === 'function') {
      const failure = { error, status, headers, attempt: error.attempt, elapsed: Date.now() - healthy, delay: wait }
      let answer: number | boolean = false
      call(() => {
        answer = retry(failure)
      })
      if (answer !== true) wait = answer
    } else if (!error.retryable || retry === false || !repeatable || failures > limit) wait = false

    if (wait === false) {
      if (ended && until === undefined && failures <= limit) return finish('ended')
      tell(error)
      return finish('failed', error)
    }
    turn = new AbortController()
    const { signal } = turn
    due = Date.now() + wait
    tell(error, wait)
    if (!signal.aborted) enter('waiting', { delay: wait, error })
    await delay(wait, signal, unref)
  }

  function tell(error: ConnectError, wait?: number) {
    error.attempt = snapshot.attempt
    error.delay = wait
    call(options.onError, error)
  }
  function readable(raw: ServerSentEvent): AnyEvent | undefined {
    try {
      return decode(raw, options.parse, options.schemas)
    } catch (error) {
      tell(error as ConnectError)
      return undefined
    }
  }
  function full() {
    for (const queue of queues) {
      const room = queue.full()
      if (room) return room
    }
    return undefined
  }

  /** Only a stream that lasted and sent something proves the server well: one that drops us at once would be hammered. */
  function judge() {
    if (heard && Date.now() - openSince >= (policy.stable ?? 5000)) forget()
    heard = false
  }
  function forget() {
    failures = 0
    unauthorized = false
    healthy = Date.now()
  }
  function connecting() {
    judge()
    if (snapshot.state !== 'connecting' || snapshot.attempt !== failures + 1)
      enter('connecting', { attempt: failures + 1 })
  }
  function interrupt() {
    turn.abort(INTERRUPTED)
  }
  function hold(why: string) {
    if (snapshot.state === 'closed') return
    holds.add(why)
    interrupt()
    if (snapshot.state !== 'paused') enter('paused')
  }
  function release(why: string) {
    if (holds.delete(why) && !holds.size) reconnect()
  }
  function reconnect() {
    if (snapshot.state === 'closed') return
    holds.clear()
    interrupt()
    connecting()
  }
  function finish(reason: CloseReason, error?: ConnectError) {
    if (snapshot.state === 'closed') return
    interrupt()
    unwatch?.()
    outer?.removeEventListener('abort', aborted)
    enter('closed', { error })
    const discard = reason === 'closed' || reason === 'aborted'
    for (const queue of queues) queue.end(error, discard)
    queues.clear()
    opened.reject(error ?? new ConnectError('closed', 'The connection was closed before it opened.', false))
    closed.resolve(reason)
  }
  const close = () => finish('closed')
  const aborted = () => finish('aborted')

  function listen(first: unknown, second: unknown, once: boolean) {
    const [type, run] = typeof first === 'function' ? [undefined, first] : [first, second]
    return listeners.add(type as string | undefined, run as (event: AnyEvent) => unknown, once)
  }
  function iterate(types: readonly (string | undefined)[], onReturn: () => void) {
    const queue = createQueue<AnyEvent>(options.highWaterMark ?? 64, () => {
      for (const undo of undos) undo()
      queues.delete(queue)
      onReturn()
    })
    const undos = [...new Set(types)].map((type) => listeners.add(type, queue.push))
    if (snapshot.state === 'closed') queue.end(snapshot.error)
    else queues.add(queue)
    return queue
  }

  let unwatch: (() => void) | undefined
  if (outer?.aborted) aborted()
  else {
    outer?.addEventListener('abort', aborted)
    unwatch = watch(
      {
        hold,
        release,
        online() {
          if (snapshot.state === 'waiting') interrupt()
        },
        woke() {
          if (snapshot.state === 'waiting' && Date.now() >= due) interrupt()
          checkSilence?.()
        },
      },
      options.pauseWhenHidden?.after,
    )
    run()
  }

  return {
    on: (first: unknown, second?: unknown) => listen(first, second, false),
    once: (first: unknown, second?: unknown) => listen(first, second, true),
    events: (...types: string[]) => iterate(types.length ? types : [undefined], () => {}),
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
      // The id moves with the events, and telling each to everybody would make every event a state.
      const lastEventId = id ?? ''
      if (snapshot.lastEventId !== lastEventId) snapshot = { ...snapshot, lastEventId }
      return snapshot
    },
    get lastEventId() {
      return id ?? ''
    },
    opened: opened.promise,
    closed: closed.promise,
    pause: () => hold('caller'),
    resume() {
      if (holds.size) reconnect()
    },
    reconnect,
    close,
    [Symbol.dispose]: close,
    [Symbol.asyncDispose]() {
      close()
      return closed.promise.then(() => {})
    },
  }
}

interface Settler<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

/** A promise settled from outside, whose rejection is nobody's duty to handle. */
function settler<T>(): Settler<T> {
  let resolve!: Settler<T>['resolve']
  let reject!: Settler<T>['reject']
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}

/** The promise, or the reason of the signal if that comes first: a fetch or a function of the caller may ignore it. */
function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    promise.then(resolve, reject)
  })
}
