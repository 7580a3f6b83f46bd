import type { ServerSentEvent } from '../../protocol/event.ts'
import { LONGEST } from '../delay.ts'
import type { ConnectError } from '../errors.ts'
import { call } from '../listeners.ts'
import type { Snapshot } from '../options.ts'
import { decode } from '../schema.ts'
import { checkStream } from './check-options.ts'
import { schedule, unschedule } from './frame.ts'
import { lasting, lastingText } from './lasting.ts'
import { type AnyEvent, isOn, isUnique, type Live, type StoreState } from './live.ts'
import { stopAt } from './stop.ts'
import { join, type Member, type Place, type Stream } from './stream.ts'

/** The events of one stream, folded into snapshots. It is open from its subscription until a moment after. */
export interface Store {
  /** The options of now. */
  readonly live: Live
  getSnapshot(): StoreState
  /** What is shown before anything is opened, and by a server. */
  getServerSnapshot(): StoreState
  /** Calls the listener after each publish. Takes one at a time; returns its undo. */
  subscribe(listener: () => void): () => void
  /** Takes new options, without a new connection unless `enabled` says so. */
  update(live: Live): void
}

/** How long a connection outlives its last subscriber, in milliseconds: StrictMode and a change of page come back at once. */
const LINGER = 50
/** How many of the newest events are kept. */
const MOST_RECENT = 100
/** How many events wait for a subscriber that may come back. */
const MOST_WAITING = 10_000

/** Makes a store, closed until it is subscribed to. It shows what `previous` showed until an event of its own. */
export function createStore(live: Live, previous?: Store): Store {
  checkStream(live)
  return new LiveStore(live, previous)
}

class LiveStore implements Store, Member {
  live: Live
  stream: Stream | undefined
  /** What is shown before anything is opened. */
  readonly #first: StoreState
  #shown: StoreState
  #listener: (() => void) | undefined
  #linger: ReturnType<typeof setTimeout> | undefined

  // What came, published or not.
  #data: unknown
  #event: AnyEvent | undefined
  #recent: AnyEvent[] = []
  /** How many of the recent ones were not published yet. */
  #unpublished = 0
  /** Whether what another store showed is still shown. */
  #isKept: boolean
  /** What came while nobody was there, to be seen by who comes back. */
  #waiting: ServerSentEvent[] = []

  // How the last stream was left, and whether it had ended by then.
  #left: Place | undefined
  #hasEnded = false
  /** It was over before its subscriber left, who asks for no other one by coming back. */
  #isOver = false

  constructor(live: Live, previous?: Store) {
    this.live = live
    this.#data = live.initial
    this.#first = {
      data: live.initial,
      event: undefined,
      recent: [],
      state: isOn(live) ? 'connecting' : 'closed',
      attempt: 1,
      delay: undefined,
      error: undefined,
      lastEventId: live.lastEventId ?? '',
      outcome: undefined,
      reconnect: () => {
        if (this.stream) return this.stream.reconnect()
        this.#isOver = false
        this.#start()
      },
      close: () => this.stream?.close(),
      stop: () => this.#stopRun(),
    }
    this.#isKept = !!previous
    const { data, event, recent } = previous?.getSnapshot() ?? this.#first
    this.#shown = previous ? { ...this.#first, data, event, recent } : this.#first
  }

  // Handed to frameworks as they are.
  readonly getSnapshot = (): StoreState => this.#shown
  readonly getServerSnapshot = (): StoreState => this.#first
  readonly subscribe = (listener: () => void): (() => void) => {
    clearTimeout(this.#linger)
    this.#listener = listener
    this.#start()
    for (const raw of this.#waiting.splice(0)) this.#see(raw)
    return () => {
      if (this.#listener !== listener) return
      this.#listener = undefined
      this.#linger = setTimeout(() => this.#rest(), Math.min(this.live.linger ?? LINGER, LONGEST))
    }
  }
  update(live: Live): void {
    checkStream(live)
    this.live = live
    this.stream?.update()
    const excess = this.#recent.length - (live.max ?? MOST_RECENT)
    if (excess > 0) {
      this.#recent.splice(0, excess)
      schedule(this.#publish)
    }
    this.#start()
  }

  take(raw: ServerSentEvent): void {
    const { event: types = raw.type } = this.live
    if (typeof types === 'string' ? types !== raw.type : !types.includes(raw.type)) return
    if (this.#listener) this.#see(raw)
    else if (this.#waiting.push(raw) >= MOST_WAITING) this.#rest()
  }
  show(status: Snapshot): void {
    const isClosed = status.state === 'closed'
    // What came last is shown before the end is.
    if (isClosed && this.#unpublished) this.#publish(this.#shown)
    if (isClosed || this.#shown.state === 'closed') this.#publish(status)
    else schedule(this.#publish)
  }
  restart(): void {
    this.#data = this.#first.data
    this.#event = undefined
    this.#recent = []
    this.#waiting = []
    this.#unpublished = 0
    this.#isKept = false
  }

  #start() {
    const { live } = this
    if (!isOn(live)) {
      this.#isOver = false
      return this.#stop()
    }
    if (this.stream || this.#isOver || !this.#listener) return
    // What can be asked for again goes on where it was left, as after a cut; another answer begins anew.
    const isBack = !!this.#left
    if (this.#left && (isUnique(live) || (this.#hasEnded && !this.#left.id))) {
      this.#left = undefined
      this.restart()
    }
    this.stream = join(this, this.#left, isBack)
    if (this.stream.status.state !== this.#shown.state) this.#publish()
  }
  async #stopRun() {
    const { live, stream } = this
    const location = stream?.location
    if (location) await (live.stop ? live.stop(location) : stopAt(location, live))
    else stream?.close()
  }
  #stop() {
    const { stream } = this
    if (!stream) return
    const { status, place, hasEnded } = stream
    this.#left = place
    this.#hasEnded = hasEnded
    this.stream = undefined
    stream.remove(this)
    this.#publish({ ...status, state: 'closed', delay: undefined })
  }
  /** Stops where nobody came back in time. */
  #rest() {
    clearTimeout(this.#linger)
    this.#waiting = this.#waiting.map(lasting)
    this.#isOver ||= !!this.stream?.isOver
    this.#stop()
  }

  #see(raw: ServerSentEvent) {
    const next = this.#read(raw)
    if (!next) return
    const { reduce, onEvent, max = MOST_RECENT } = this.live
    schedule(this.#publish)
    this.#isKept = false
    this.#event = next
    this.#unpublished++
    if (this.#recent.push(next) > max) this.#recent.shift()
    call((next) => {
      this.#data = reduce ? reduce(this.#data, next) : next.data
    }, next)
    call(onEvent, next)
  }
  /** The event with its data; what cannot be read is told, and the stream lives on. */
  #read(raw: ServerSentEvent) {
    const { live, stream } = this
    try {
      return stream ? stream.read(raw, live) : decode(raw, live.parse, live.schemas)
    } catch (error) {
      call(live.onError, Object.assign(error as ConnectError, { attempt: stream?.status.attempt }))
      return undefined
    }
  }
  readonly #publish = (status: Snapshot = this.stream?.status ?? this.#shown): void => {
    unschedule(this.#publish)
    const shown = { ...this.#shown, ...status, lastEventId: lastingText(status.lastEventId) }
    this.#shown = this.#isKept ? shown : { ...shown, ...this.#settle() }
    if (this.#listener) call(this.#listener)
  }
  /** What came, to be shown and kept for long. */
  #settle() {
    const known = this.#recent.length - this.#unpublished
    const { event } = this.#shown
    if (this.#unpublished) {
      this.#recent = this.#recent.map((event, index) => (index < known ? event : lasting(event)))
      const last = this.#recent.at(-1) ?? lasting(this.#event as AnyEvent)
      if (this.#data === this.#event?.data) this.#data = last.data
      this.#event = last
      this.#unpublished = 0
    }
    const isSame = event === this.#event && this.#shown.recent.length === this.#recent.length
    return { data: this.#data, event: this.#event, recent: isSame ? this.#shown.recent : [...this.#recent] }
  }
}
