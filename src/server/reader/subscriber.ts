import type { Grant } from '../door/grant.ts'
import type { Connection } from './connection.ts'

/** A connected client, as the hub sees it. What it is sent by itself goes past the log: without an id, and not replayed. */
export interface Subscriber<Metadata = unknown> extends Connection {
  /** Names this connection: the `client` that events are published to. New at each reconnection, unless the subscription names it. */
  readonly id: string
  /** Whose connection it is. */
  readonly user: string | undefined
  /** What it follows. */
  readonly topics: readonly string[]
  /** The beginnings of topics that it follows, as patterns. */
  readonly patterns: readonly string[]
  /** What the application gave it. */
  readonly metadata: Metadata | undefined
  /** Where it comes from, while it is connected. */
  readonly address: string | undefined
  /** `joining` until it has what it missed, then `live`; `behind` while it reads too slowly; `closed`. */
  readonly state: SubscriberState
  /** When it was accepted, in milliseconds since 1970. */
  readonly connectedAt: number
  /** Follows more topics, from the next event on. Throws `not-granted` where its grant does not allow one, and adds none then. */
  subscribe(...topics: string[]): void
  /** Follows these topics no more. */
  unsubscribe(...topics: string[]): void
  /** Gives it another grant in place of the one that it came with: until when, which topics (those that are no longer granted are left), which filter. */
  renew(grant: Grant<Metadata>): void
}

/** Where a subscriber is on its way: see `Subscriber.state`. */
export type SubscriberState = 'joining' | 'live' | 'behind' | 'closed'
