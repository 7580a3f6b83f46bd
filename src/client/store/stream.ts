import type { ServerSentEvent } from '../../protocol/event.ts'
import type { Connection } from '../connect.ts'
import { call } from '../listeners.ts'
import type { Snapshot } from '../options.ts'
import { decode } from '../schema.ts'
import { lastingText } from './lasting.ts'
import { type AnyEvent, isUnique, type Live, streamId } from './live.ts'
import { SharedOptions } from './shared-options.ts'

/** Where somebody stands in a stream: at an id, and how many events came with it in force. */
export interface Place {
  readonly id: string
  readonly count: number
}

/** Who shows a stream, alone or with others. */
export interface Member {
  readonly live: Live
  /** The stream that it shows now. */
  stream: Stream | undefined
  /** Hears every event, as the server sent it. */
  take(raw: ServerSentEvent): void
  /** Hears of each new state of the connection. */
  show(status: Snapshot): void
  /** Forgets what came: another answer begins. */
  restart(): void
}

/** The streams of each key and request, the oldest first. There are two only while somebody catches up. */
const all = new Map<unknown, readonly Stream[]>()

/** Gives a member the stream of its key and request, from its place on if it has one. Who is back may open it again. */
export function join(member: Member, place: Place | undefined, isBack: boolean): Stream {
  const { live } = member
  const id = live.key ? streamId(live, '') : member
  const streams = all.get(id) ?? []
  // The others may have gone on meanwhile: what they had is asked for again, over a connection of its own.
  const stream = place?.id
    ? streams.find((stream) => isSame(stream.place, place))
    : (streams.find(({ isClosed }) => !isClosed) ?? streams[0])
  if (!stream) return new Stream(id, member, place)
  stream.add(member)
  // Who comes new to a stream that is over does not ask for it again: that may cost money.
  if (stream.isClosed && (isBack || !stream.isOver)) stream.reopen()
  return stream
}

const isSame = (one: Place, other: Place) => one.id === other.id && one.count === other.count

/** One connection after the other, for all who show the same. */
export class Stream {
  readonly #id: unknown
  #members: readonly Member[]
  #connection!: Connection
  readonly #shared = new SharedOptions()
  /** Whether the members have other options by now. */
  #isStale = false
  #signal: AbortSignal | null | undefined

  #place: Place
  /** The id to go on after, `''` where the server gave none; missing at the beginning. */
  #from: string | undefined
  /** The event under way. */
  #current: ServerSentEvent | undefined
  /** Whether a new state is told as soon as everybody has the event under way. */
  #isUntold = false
  /** What the connection was when it closed. */
  #end: Snapshot | undefined
  #isClosedByHand = false

  /** What was made of the last event, for the first of the members. */
  #read: { raw: ServerSentEvent; by: Live; event: AnyEvent } | undefined

  constructor(id: unknown, member: Member, place: Place | undefined) {
    this.#id = id
    this.#members = [member]
    this.#place = place ?? { id: '', count: 0 }
    all.set(id, [...this.#siblings, this])
    this.#open(place?.id)
  }

  get #siblings(): readonly Stream[] {
    return all.get(this.#id) ?? []
  }
  /** Where the run is that it reads. */
  get location(): string | undefined {
    return this.#connection.location
  }
  /** What the connection is now, with the id of the event under way. */
  get status(): Snapshot {
    const { snapshot } = this.#connection
    return this.#end ?? (this.#current ? { ...snapshot, lastEventId: this.#place.id } : snapshot)
  }
  get place(): Place {
    const { lastEventId: id } = this.status
    // An id may come without an event.
    return id === this.#place.id ? this.#place : { id, count: 0 }
  }
  get isClosed(): boolean {
    return this.#connection.state === 'closed'
  }
  /** Whether the server brought it to its end. */
  get hasEnded(): boolean {
    return this.isClosed && !this.status.error && !this.#isClosedByHand
  }
  /** Whether it is closed, and opened again by nobody's coming. */
  get isOver(): boolean {
    return this.isClosed && (!this.status.error || isUnique(this.#shared.given))
  }

  add(member: Member): void {
    this.#members = [...this.#members, member]
    this.update()
  }
  remove(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member)
    if (this.#members.length) this.update()
    else this.#leave()
  }
  /** Takes over new options of the members, all of one turn together. */
  update(): void {
    if (this.#isStale) return
    this.#isStale = true
    Promise.resolve().then(() => this.#isStale && this.#refresh())
  }
  /** The event as this member reads it; members that read alike get the same. Throws `invalid-data`. */
  read(raw: ServerSentEvent, by: Live): AnyEvent {
    const { parse, schemas } = by
    const last = this.#read
    if (last?.raw === raw && last.by.parse === parse && last.by.schemas === schemas) return last.event
    const event = decode(raw, parse, schemas)
    this.#read = { raw, by, event }
    return event
  }
  reconnect(): void {
    if (!this.isClosed) this.#connection.reconnect()
    else for (const stream of this.#siblings) if (stream.isClosed) stream.reopen()
  }
  close(): void {
    for (const stream of this.#siblings) stream.#closeByHand()
  }
  /** Opens it again, for all members. Without an id to go on after, what has ended begins anew. */
  reopen(): void {
    const { lastEventId } = this.status
    const isAnew = isUnique(this.#shared.given) || (this.hasEnded && !lastEventId)
    if (isAnew) {
      this.#place = { id: '', count: 0 }
      for (const member of this.#members) member.restart()
    }
    this.#open(isAnew ? undefined : lastEventId)
    this.#tell()
  }

  #open(from: string | undefined) {
    this.#end = undefined
    this.#isClosedByHand = false
    this.#from = from
    this.#refresh()
    this.#connection = this.#shared.connect()
    this.#connection.on((raw) => this.#deliver(raw))
    this.#connection.subscribe(() => this.#tell())
    if (this.#signal?.aborted) this.#closeByHand()
  }
  #refresh() {
    this.#isStale = false
    this.#shared.write(this.#members, this.#from)
    this.#heed(this.#shared.given.signal)
  }
  #heed(signal: AbortSignal | null | undefined) {
    if (signal === this.#signal) return
    this.#signal?.removeEventListener('abort', this.#closeByHand)
    this.#signal = signal
    signal?.addEventListener('abort', this.#closeByHand)
    if (signal?.aborted) this.#closeByHand()
  }
  readonly #closeByHand = (): void => {
    if (!this.#connection || this.isClosed) return
    this.#isClosedByHand = true
    this.#connection.close()
  }

  #deliver(raw: ServerSentEvent) {
    const connection = this.#connection
    const { until, cursor } = this.#shared.given
    if (raw.data === until) return connection.close()
    const id = (cursor ? this.#shared.locate(raw) : raw.id) ?? connection.lastEventId
    const last = this.#place
    this.#place = id === last.id ? { id: last.id, count: last.count + 1 } : { id: lastingText(id), count: 1 }
    this.#current = raw
    for (const member of this.#members) member.take(raw)
    if (typeof until === 'function')
      call((raw) => {
        if (until(raw)) connection.close()
      }, raw)
    if (this.#isUntold) this.#tell(this.status)
    // While it is under way, its place is ours: the connection has not handled it yet.
    if (this.#siblings.length > 1) this.#meet()
    this.#current = undefined
    this.#read = undefined
  }
  #tell(status?: Snapshot) {
    // Everybody has the event under way first.
    this.#isUntold = !!this.#current && !status
    if (this.#isUntold) return
    const { state } = this.#connection
    const now = status ?? this.status
    if (state === 'closed') this.#end = now
    for (const member of this.#members) member.show(now)
  }

  /** Who has caught up with the others shares their connection again. */
  #meet() {
    const streams = this.#siblings
    const twin = streams.find((other) => other !== this && !other.isClosed && isSame(other.place, this.place))
    if (!twin || this.isClosed) return
    const [older, younger] = streams.indexOf(this) < streams.indexOf(twin) ? [this, twin] : [twin, this]
    const members = younger.#members
    younger.#members = []
    younger.#leave()
    for (const member of members) {
      member.stream = older
      older.add(member)
      member.show(older.status)
    }
  }
  #leave() {
    const others = this.#siblings.filter((other) => other !== this)
    if (others.length) all.set(this.#id, others)
    else all.delete(this.#id)
    this.#isStale = false
    this.#heed(undefined)
    this.#connection.close()
  }
}
