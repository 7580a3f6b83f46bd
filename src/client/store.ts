import { type Connection, connect, type EventOf } from './connect.ts'
import { call } from './listeners.ts'
import type { Snapshot } from './options.ts'
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

/** The events of one stream, folded into snapshots. It is open from its first subscriber until after the last. */
export interface Store {
  /** Read when something of it is needed, so a new one counts from then on. */
  live: Live
  getSnapshot(): StoreState
  /** What is shown before anything is opened, and by a server. */
  getServerSnapshot(): StoreState
  /** Calls the listener after each publish. Returns its undo. */
  subscribe(listener: () => void): () => void
  /** Opens the stream, if it is not, if somebody subscribes to it and if the options want it. */
  start(): void
  /** Lets go of the connection at once, and keeps what came. */
  stop(): void
}

/** A connection for a store, and what lets go of it; `again` where the store had one before. */
export type Acquire = (store: Store, again: boolean) => readonly [AnyConnection, release: () => void]

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

/** Whether the options want a stream. */
const isOn = ({ url, enabled }: Live) => url && enabled !== false

/** Opens a connection whose URL may change as its options may. */
export const open = (live: Live): AnyConnection =>
  connect(
    (info) => (typeof live.url === 'function' ? live.url(info) : (live.url as string)),
    live as Live & { parse: Parse; schemas?: undefined },
  )

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
      if (connection?.state !== 'closed') return connection?.reconnect()
      stop()
      start()
    },
    close: () => connection?.close(),
  }
  const listeners = new Set<() => void>()
  let snapshot = first
  // What came, published or not.
  let { data, event } = first
  let kept: AnyEvent[] = []
  let connection: AnyConnection | undefined
  let undo: (() => void)[] = []
  let linger: ReturnType<typeof setTimeout> | undefined

  function take(next: AnyEvent) {
    const { reduce, max = 100, onEvent } = store.live
    schedule(publish)
    event = next
    kept.push(next)
    if (kept.length > max) kept.shift()
    call((next) => {
      data = reduce ? reduce(data, next) : next.data
    }, next)
    // While we linger nobody is there.
    if (listeners.size) call(onEvent, next)
  }
  function publish(status: Snapshot = (connection as AnyConnection).snapshot) {
    due.delete(publish)
    snapshot = { ...snapshot, ...status, data, event, events: event === snapshot.event ? snapshot.events : [...kept] }
    for (const listener of listeners) listener()
  }
  function enter({ state }: Snapshot) {
    if (state !== 'closed') return schedule(publish)
    // What came last is shown before the end is.
    publish(snapshot)
    publish()
  }
  function start() {
    const { live } = store
    if (undo.length || !listeners.size || !isOn(live)) return
    // Where the server gave an id the stream goes on after it. A request with a body is another one each time.
    const from = live.body || !snapshot.lastEventId ? first : snapshot
    ;({ data, event, lastEventId: live.lastEventId } = from)
    kept = [...from.events]
    const [own, release] = acquire(store, connection !== undefined)
    connection = own
    undo = [
      release,
      own.subscribe(enter),
      // Without a type it is every event.
      ...types.map((type) => own.on(type as string, take)),
    ]
    if (own.state !== snapshot.state) publish()
  }
  function stop() {
    if (!undo.length) return
    for (const each of undo.splice(0)) each()
    publish({ ...snapshot, state: 'closed', delay: undefined })
  }
  const store: Store = {
    live: options,
    start,
    stop,
    getSnapshot: () => snapshot,
    getServerSnapshot: () => first,
    subscribe(listener) {
      clearTimeout(linger)
      listeners.add(listener)
      start()
      return () => {
        if (listeners.delete(listener) && !listeners.size) linger = setTimeout(stop, LINGER)
      }
    },
  }
  return store
}

/** A state as its component wants to see it. */
export const selected = (state: StoreState, { select }: Live): StoreState =>
  select ? { ...state, data: select(state.data, state.event) } : state
