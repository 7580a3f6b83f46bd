import type { HubStats } from './options.ts'
import type { Roster } from './roster.ts'

/** Who is there, in numbers. */
export function statistics(roster: Roster, newest: string | undefined): HubStats {
  const states = { joining: 0, live: 0, behind: 0, closed: 0 }
  for (const { state } of roster.all) states[state]++
  return {
    connections: roster.all.size,
    users: roster.users.counts(),
    topics: roster.topics.counts(),
    states,
    newest,
  }
}
