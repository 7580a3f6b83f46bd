import type { ServerSentEvent } from '../../protocol/event.ts'
import { type Connection, connect } from '../connect.ts'
import { call } from '../listeners.ts'
import type { AttemptInfo, ConnectOptions, Snapshot } from '../options.ts'
import type { RetryOptions } from '../retry.ts'
import { decode } from '../schema.ts'
import { type AnyEvent, isUnique, type Live, merge, streamId } from './live.ts'

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

/** Without a way to read data: every member has its own. */
type RawOptions = ConnectOptions & { parse?: undefined; schemas?: undefined }

/** What is told to every member; of all other options of the connection the newest count. */
const TOLD = ['onOpen', 'onState', 'onError', 'onComment', 'onGap'] as const

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
  /** What the members want together, and what the connection is told of it, in the object that it reads for all its life. */
  #given!: Live
  readonly #options: RawOptions = {}
  readonly #policy: RetryOptions = {}
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

  // What was made of an event last: its id by the cursor, and its data for the first of the members.
  #located: { raw?: ServerSentEvent; id?: string | undefined } = {}
  #read: { raw?: ServerSentEvent; by?: Live; event?: AnyEvent } = {}

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
    return this.isClosed && (!this.status.error || isUnique(this.#given))
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
    if (last.event && last.raw === raw && last.by?.parse === parse && last.by?.schemas === schemas) return last.event
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
    const isAnew = isUnique(this.#given) || (this.hasEnded && !lastEventId)
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
    const options = this.#options
    // A connection may take hold of these numbers when it is made: they stay in one object, which changes with the option.
    options.retry = this.#policy
    this.#connection = connect((info) => this.#url(info), options)
    options.retry = this.#given.retry
    this.#connection.on((raw) => this.#deliver(raw))
    this.#connection.subscribe(() => this.#tell())
    if (this.#signal?.aborted) this.#closeByHand()
  }
  #url(info: AttemptInfo) {
    const { url } = this.#given
    return typeof url === 'function' ? url(info) : (url as string)
  }

  /** Writes down what the connection reads when it needs it. What may change while a body is read is asked by functions. */
  #refresh() {
    this.#isStale = false
    const given = merge(...this.#members.map(({ live }) => live))
    const { cursor, until, retry, resume, lastEventId, signal } = given
    this.#given = given
    replace(this.#policy, typeof retry === 'object' ? retry : {})
    const told = TOLD.filter((name) => given[name]).map((name) => [name, (value: never) => this.#tellAll(name, value)])
    replace(this.#options, given, Object.fromEntries(told), {
      // Members may read the same event in different ways.
      parse: undefined,
      schemas: undefined,
      // It is we who look for the end, but the connection should know whether there is one.
      until: until === undefined ? until : () => false,
      cursor: cursor && ((raw: ServerSentEvent) => this.#locate(raw)),
      signal: undefined,
      lastEventId: this.#from ?? lastEventId,
      // What was shown so far tells better where to go on than what was saved.
      resume: this.#from !== undefined && resume ? { save: (id: string) => this.#given.resume?.save?.(id) } : resume,
    })
    this.#heed(signal)
  }
  #tellAll(name: (typeof TOLD)[number], value: never) {
    for (const { live } of this.#members) call<never>(live[name], value)
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
    const { until, cursor } = this.#given
    if (raw.data === until) return connection.close()
    const id = (cursor ? this.#locate(raw) : raw.id) ?? connection.lastEventId
    const last = this.#place
    this.#place = { id, count: id === last.id ? last.count + 1 : 1 }
    this.#current = raw
    for (const member of this.#members) member.take(raw)
    if (typeof until === 'function')
      call((raw) => {
        if (until(raw)) connection.close()
      }, raw)
    if (this.#isUntold) this.#tell(this.status)
    this.#current = undefined
    if (this.#siblings.length > 1) this.#meet()
  }
  /** The id that the cursor finds; asked once for each event, by us or by the connection. */
  #locate(raw: ServerSentEvent) {
    if (this.#located.raw !== raw) {
      this.#located = { raw }
      call((raw) => {
        this.#located.id = this.#given.cursor?.(raw)
      }, raw)
    }
    return this.#located.id
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

/** Makes an object hold what the others hold; whatever else it held is undefined. */
function replace(target: object, ...sources: object[]) {
  const none = Object.fromEntries(Object.keys(target).map((name) => [name, undefined]))
  Object.assign(target, none, ...sources)
}
