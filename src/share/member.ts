import type { Control } from '../client/control.ts'
import type { Shared } from '../client/shared.ts'
import { Catching } from './catching.ts'
import { Channel } from './channel.ts'
import { Follower } from './follower.ts'
import { Leader } from './leader.ts'
import { Lock, type LockHome } from './lock.ts'
import { Receiver } from './receiver.ts'
import { type Entry, type Place, Tail } from './tail.ts'
import type { Asked, Mirror, Sent } from './wire.ts'

/** How long the lock of a connection that is over is kept, in milliseconds. */
const LINGER = 100

/** How a connection is shared. */
export interface Settings {
  /** Part of the lock's name and the channel's. */
  readonly name: string
  readonly isWhole: boolean
  readonly heartbeat: number
  readonly maxEvents: number
  readonly maxSize: number
}

/** Leading or following. */
export interface Role {
  hear(message: Sent): void
  /** A new attempt is wanted. */
  again(): void
  close(): void
}

/** What somebody was given to go on from. */
interface Given extends Place {
  readonly entries: readonly Entry[] | undefined
  readonly isWhole?: boolean
}

/** One of those who share a connection: one tab, or one of several parts of it. */
export class Member implements LockHome {
  readonly shared: Shared
  readonly control: Control
  readonly tail: Tail
  readonly receiver: Receiver
  readonly lock: Lock
  readonly heartbeat: number
  channel!: Channel
  /** The leader that it heard of last: later ones have greater numbers. 0 where there was none. */
  term = 0
  /** What the connection was then. */
  mirror: Mirror | undefined
  /** Whether another one had the connection since it came. */
  isLed = false
  /** Whether it has a place in what is shared. */
  hasJoined = false
  readonly #settings: Settings
  readonly #onRefused: () => void
  #role: Role | undefined
  #catching: Catching | undefined

  constructor(settings: Settings, shared: Shared, control: Control, onRefused: () => void) {
    this.#settings = settings
    this.shared = shared
    this.control = control
    this.heartbeat = settings.heartbeat
    this.tail = new Tail(settings.maxEvents, settings.maxSize)
    this.receiver = new Receiver(shared, control, this.tail)
    this.lock = new Lock(settings.name, this)
    this.#onRefused = onRefused
  }

  get isIn(): boolean {
    return this.#role !== undefined
  }
  get isWhole(): boolean {
    return this.#settings.isWhole
  }
  get location(): string | undefined {
    return this.shared.cursors.resource?.href
  }
  /** What this tab would go on after. It stays there until `goOn`, or until it is given something. */
  ask(): Asked {
    this.receiver.isStopped = true
    return this.#asked
  }

  goOn(): void {
    this.receiver.isStopped = false
    this.receiver.pump()
  }

  get #asked(): Asked {
    const { place, isHeld } = this.receiver
    if (!this.hasJoined || isHeld) return { at: undefined, id: place.id }
    const { last } = this.tail
    return place.at < last.at || place.id !== last.id ? place : last
  }

  enter(): void {
    this.isLed = false
    // Meanwhile they may all have gone, and begun to count anew.
    this.term = 0
    this.channel = new Channel(this.#settings.name, (message) => this.#hear(message))
    this.follow()
  }

  /** Another one leads, whoever that is. */
  follow(): void {
    this.#role?.close()
    this.#role = new Follower(this)
    this.lock.request()
  }

  lead(): void {
    this.#role?.close()
    const leader = new Leader(this)
    this.#role = leader
    void leader.start()
  }

  refused(): void {
    this.leave()
    this.#onRefused()
  }

  again(): void {
    this.#role?.again()
  }

  /** Whether the connection is over for all. */
  get #hasEnded(): boolean {
    return this.control.isOver && !!this.tail.get(this.tail.last.at)?.end
  }

  /** Leaves, and goes on from where it is if it comes again. */
  leave(): void {
    this.#role?.close()
    this.#role = undefined
    this.receiver.isStopped = false
    if (this.control.isOver) this.receiver.close()
    // What it has kept is further than it is itself.
    if (this.receiver.isHeld) this.tail.reset(this.receiver.place)
    this.#catching?.close()
    if (!this.channel) return
    this.channel.close()
    // Whoever comes next has heard by then that there is nothing more.
    this.lock.leave(this.#hasEnded ? LINGER : 0)
  }

  /** There is nobody else to ask. */
  begin(): void {
    if (!this.hasJoined) this.tail.reset(this.receiver.place)
    this.hasJoined = true
    this.goOn()
  }

  /** Takes what came next. It is given on one by one: more may come at once than is kept. */
  push(entry: Entry): void {
    this.tail.push(entry)
    if (this.receiver.isHeld) this.#catching?.look()
    else this.receiver.pump()
  }

  /** Goes on from what others have had. */
  take({ at, id, entries, isWhole = this.isWhole }: Given, asked: Asked): void {
    const { tail, receiver } = this
    this.hasJoined = true
    receiver.isStopped = false
    const before = (entries?.[0]?.at ?? at + 1) - 1
    const isElsewhere = !entries || asked.at !== before
    if (isElsewhere) tail.reset({ at: before, id: entries?.length ? asked.id : id })
    if (isElsewhere && entries && !receiver.isHeld) receiver.goTo(tail.base)
    for (const entry of entries ?? []) if (entry.at > tail.last.at) this.push(entry)
    tail.move(id)
    if (receiver.isHeld) this.#catching?.look()
    else if (entries) receiver.move()
    // Without an id nobody can be asked for what is between.
    else if (asked.id || isWhole) this.#catching = new Catching(this)
    else if (asked.at) receiver.lose({ at, id })
    // It has seen nothing yet.
    else receiver.goTo({ at, id })
  }

  #hear(message: Sent) {
    if (message.kind === 'lead') {
      if (this.#role instanceof Leader) this.follow()
      this.#answer(message)
    }
    this.#role?.hear(message)
  }

  #answer({ from, isWhole, ...asked }: Extract<Sent, { kind: 'lead' }>) {
    const { term, mirror, hasJoined } = this
    const { at, id } = this.tail.last
    const entries = this.tail.since(asked, isWhole || !!mirror?.isRun)
    this.channel.post({ kind: 'here', to: from, term, mirror, hasJoined, at, id, entries })
  }
}
