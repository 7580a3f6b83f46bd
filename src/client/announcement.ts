import { fromBytes } from './resume.ts'

/** What a server says of its stream in the head of its answer. */
export interface Announcement {
  /** Whether it is our own, which tells of gaps in an event. */
  readonly isOurs: boolean
  /** Whether no two events have the same id. */
  readonly isUnique: boolean
  /** The time between two heartbeats, in milliseconds; 0 where there is none. */
  readonly heartbeat: number
  /** The id after which it goes on, where it says that. */
  readonly resumed: string | undefined
}

/** Reads `Unmissed: heartbeat=15000, ids=unique` and `Last-Event-ID`, whose bytes are text only where `encodes` says so. */
export function announced(headers: Headers, encodes: boolean): Announcement {
  const ours = headers.get('unmissed')
  const resumed = headers.get('last-event-id') ?? undefined
  return {
    isOurs: !!ours,
    isUnique: /\bids=unique\b/.test(`${ours}`),
    heartbeat: Number(/\bheartbeat=(\d+)/.exec(`${ours}`)?.[1] ?? 0),
    resumed: resumed === undefined || encodes ? resumed : fromBytes(resumed),
  }
}
