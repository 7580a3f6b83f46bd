import type { Control } from '../client/control.ts'
import type { Shared } from '../client/shared.ts'
import { trace } from '../client/trace.ts'
import { Catching } from './catching.ts'
import { answer } from './census.ts'
import { Channel } from './channel.ts'
import type { Asked, Entry } from './entry.ts'
import { Follower } from './follower.ts'
import { Leader } from './leader.ts'
import { Lock, type LockHome } from './lock.ts'
import { Receiver } from './receiver.ts'
import type { Given, Role, RoleHome } from './role.ts'
import { Tail } from './tail.ts'
import type { Mirror, Sent } from './wire.ts'

/** How long the lock of a connection that is over is kept, in milliseconds. */
const LINGER = 100

/** How a connection is shared. */
export interface Settings {
  /** Part of the lock's name and the channel's. */
  readonly name: string
  readonly heartbeat: number
  readonly isWhole: boolean
  readonly maxEvents: number
  readonly maxSize: number
}

/** One of those who share a connection: one tab, or one of several parts of it. */
export class Member implements LockHome, RoleHome {
  readonly shared: Shared
  readonly control: Control
  readonly tail: Tail
  readonly receiver: Receiver
  readonly lock: Lock
  readonly heartbeat: number
  readonly isWhole: boolean
  channel!: Channel
  term = 0
  mirror: Mirror | undefined
  mirroredAt = 0
  isLed = false
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
    this.isWhole = settings.isWhole
    this.tail = new Tail(settings.maxEvents, settings.maxSize)
    this.receiver = new Receiver(shared, control, this.tail)
    this.lock = new Lock(settings.name, this)
    this.#onRefused = onRefused
  }

  get isIn(): boolean {
    return this.#role !== undefined
  }

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

  follow(): void {
    trace(() => [this.shared.status, 'is told by another tab, or waits for its turn'])
    this.#role?.close()
    this.#role = new Follower(this)
    this.lock.request()
  }

  lead(): void {
    trace(() => [this.shared.status, 'leads: it has the connection for all tabs'])
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

  begin(): void {
    if (!this.hasJoined) this.tail.reset(this.receiver.place)
    this.hasJoined = true
    this.goOn()
  }

  push(entry: Entry): void {
    this.tail.push(entry)
    if (this.receiver.isHeld) this.#catching?.look()
    else this.receiver.pump()
  }

  take({ at, id, entries, isWhole = this.isWhole }: Given, asked: Asked): void {
    const { tail, receiver } = this
    this.hasJoined = true
    receiver.isStopped = false
    const before = (entries?.[0]?.at ?? at + 1) - 1
    const isElsewhere = !entries || asked.at !== before
    if (isElsewhere) tail.reset({ at: before, id: entries?.length ? asked.id : id })
    if (isElsewhere && entries && !receiver.isHeld) receiver.goTo(tail.base)
    for (const entry of entries ?? []) if (entry.at > tail.last.at) this.push(entry)
    if (at >= tail.last.at) tail.move(id)
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
      answer(this, message)
    }
    this.#role?.hear(message)
  }
}
