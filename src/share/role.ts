import type { Control } from '../client/control.ts'
import type { Shared } from '../client/shared.ts'
import type { Channel } from './channel.ts'
import type { Asked, Entry, Place } from './entry.ts'
import type { Lock } from './lock.ts'
import type { Receiver } from './receiver.ts'
import type { Tail } from './tail.ts'
import type { Mirror, Sent } from './wire.ts'

/** What somebody was given to go on from. */
export interface Given extends Place {
  /** Nothing where it is not kept. */
  readonly entries: readonly Entry[] | undefined
  readonly isWhole?: boolean
}

/** What a role needs of the member that plays it. */
export interface RoleHome {
  readonly shared: Shared
  readonly control: Control
  readonly tail: Tail
  readonly receiver: Receiver
  readonly lock: Lock
  readonly channel: Channel
  readonly heartbeat: number
  /** Whether it wants all from the beginning. */
  readonly isWhole: boolean
  /** Whether it has a place in what is shared. */
  readonly hasJoined: boolean
  /** The leader that it heard of last: later ones have greater numbers. 0 where there was none. */
  term: number
  /** What the connection was then. */
  mirror: Mirror | undefined
  /** When it was that, on the clock of `performance.now()`. */
  mirroredAt: number
  /** Whether another one had the connection since it came. */
  isLed: boolean
  /** What this tab would go on after. It stays there until `goOn`, or until it is given something. */
  ask(): Asked
  goOn(): void
  /** There is nobody else to ask. */
  begin(): void
  /** Goes on from what others have had. */
  take(given: Given, asked: Asked): void
  /** Takes what came next. It is given on one by one: more may come at once than is kept. */
  push(entry: Entry): void
  /** Another one leads, whoever that is. */
  follow(): void
}

/** Leading or following. */
export interface Role {
  hear(message: Sent): void
  /** A new attempt is wanted. */
  again(): void
  close(): void
}
