import { type Connection, connect, type EventOf } from './connect.ts'
import { call } from './listeners.ts'
import type { ConnectUrl, Snapshot } from './options.ts'
import type { Parse } from './schema.ts'
import type { StreamOptions, StreamState, StreamUrl } from './stream-options.ts'

// A store knows the types of its events by name only; the hooks above it know the map.
type Events = Record<string, unknown>
type AnyEvent = EventOf<Events>
export type AnyConnection = Connection<Events>
export type StoreOptions = StreamOptions<Events, string, unknown, unknown>
export type StoreState = StreamState<Events, string, unknown>

/** The options of the moment, and the URL. */
export type Live = StoreOptions & { url: StreamUrl }

/** The events of one stream, folded into snapshots. It is open from its subscription until a moment after. */
export interface Store {
  /** Read when something of it is needed. */
  live: Live
  getSnapshot(): StoreState
  /** What is shown before anything is opened, and by a server. */
  getServerSnapshot(): StoreState
  /** Calls the listener after each publish. Takes one at a time; returns its undo. */
  subscribe(listener: () => void): () => void
  /** Takes new options, without a new connection unless `enabled` says so. */
  update(live: Live): void
}

/** A connection for a store, which may have had one before, and what lets go of it. */
export type Acquire = (store: Store, last: AnyConnection | undefined) => readonly [AnyConnection, release: () => void]

/** How long a connection outlives its last subscriber, in milliseconds: StrictMode and a change of page come back at once. */
const LINGER = 50
/** How long a publish waits where there are no frames, in milliseconds. */
const FRAME = 16

/** Who waits to publish, and whether for a timer. */
const due = new Map<() => void, boolean>()

/** Publishes with the next frame, all stores at once. A hidden page has no frames, nor has a server. */
function schedule(publish: () => void) {
  const frameless = globalThis.document?.hidden !== false
  if (due.get(publish) === frameless) return
  due.set(publish, frameless)
  // Each asks for itself, and the first answer is for all: one that never comes (a faked timer) holds up no other store.
  if (frameless) setTimeout(flush, FRAME)
  else requestAnimationFrame(flush)
}
function flush() {
  for (const [publish] of due) publish()
}

/** Opens a connection for one store alone. */
export const alone: Acquire = ({ live }) => {
  const connection = connect(live.url as ConnectUrl, live as Live & { parse: Parse; schemas?: undefined })
  return [connection, () => connection.close()]
}

/** Whether there is to be a stream. */
const isOn = ({ url, enabled }: Live) => url && enabled !== false

export function createStore(options: Live, acquire: Acquire): Store {
  const { initial, event: type, events: types = [type], lastEventId = '' } = options
  const first: StoreState = {
    data: initial,
    event: undefined,
    events: [],
    state: isOn(options) ? 'connecting' : 'closed',
    attempt: 1,
    delay: undefined,
    error: undefined,
    lastEventId,
    reconnect() {
      if (snapshot.state !== 'closed') return connection?.reconnect()
      stop()
      start()
    },
    close: () => connection?.close(),
  }
  let listener: (() => void) | undefined
  let snapshot = first
  // What came, published or not.
  let { data, event } = first
  let kept: AnyEvent[] = []
  let connection: AnyConnection | undefined
  let undo: (() => void)[] | undefined
  let linger: ReturnType<typeof setTimeout> | undefined
  /** The stream had ended before its listener left, who asks for no other one by coming back. */
  let over = false

  function take(next: AnyEvent) {
    const { reduce, max = 100, onEvent } = store.live
    schedule(publish)
    event = next
    if (kept.push(next) > max) kept.shift()
    call((next) => {
      data = reduce ? reduce(data, next) : next.data
    }, next)
    // While we linger nobody is there.
    if (listener) call(onEvent, next)
  }
  function publish(status: Snapshot = (connection as AnyConnection).snapshot) {
    due.delete(publish)
    snapshot = { ...snapshot, ...status, data, event, events: event === snapshot.event ? snapshot.events : [...kept] }
    listener?.()
  }
  function start() {
    const { live } = store
    if (!isOn(live)) return stop()
    if (undo || over || !listener) return
    // Where the server gave an id the stream goes on after it. A request with a body is another one each time.
    const from = live.body || !snapshot.lastEventId ? first : snapshot
    ;({ data, event } = from)
    kept = [...from.events]
    live.lastEventId = from.lastEventId || undefined
    const [own, release] = acquire(store, connection)
    connection = own
    undo = [
      release,
      own.subscribe(({ state }) => {
        if (state !== 'closed') return schedule(publish)
        // What came last is shown before the end is.
        publish(snapshot)
        publish()
      }),
      // Without a type it is every event.
      ...types.map((type) => own.on(type as string, take)),
    ]
    if (own.state !== snapshot.state) publish()
  }
  function stop(ended = false) {
    over = ended
    if (!undo) return
    for (const each of undo) each()
    undo = undefined
    publish({ ...snapshot, state: 'closed', delay: undefined })
  }
  const store: Store = {
    live: options,
    getSnapshot: () => snapshot,
    getServerSnapshot: () => first,
    subscribe(run) {
      clearTimeout(linger)
      listener = run
      start()
      return () => {
        listener = undefined
        linger = setTimeout(() => stop(snapshot.state === 'closed'), LINGER)
      }
    },
    update(live) {
      store.live = live
      start()
    },
  }
  return store
}

/** A state as its component wants to see it. */
export const selected = (state: StoreState, { select }: Live): StoreState =>
  select ? { ...state, data: select(state.data, state.event) } : state
