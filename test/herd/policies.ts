import { backoff } from '../../src/client/retry.ts'
import { createRandom } from '../chaos/random.ts'
import { type Course, simulate, type Wait, type World } from './simulate.ts'

export const CLIENTS = 100_000
export const RETRY = 3_000
export const MINUTE = 60_000

export const policies = {
  ours: (failures, floor, random) => backoff(failures, floor, { random }),
  'fixed 3 s': (_failures, floor) => floor,
  'exponential, no jitter': (failures, floor) => Math.max(floor, Math.min(30_000, RETRY * 2 ** (failures - 1))),
} satisfies Record<string, Wait>

export type Policy = keyof typeof policies

export const worlds: Record<string, Partial<World>> = {
  'a server that is back at once': {},
  'a server that is away for 10 s': { outage: 10_000 },
  'a server that is away for a minute': { outage: MINUTE },
  'a server that is away for a minute and then takes 2,000 clients a second': { outage: MINUTE, capacity: 2_000 },
  'the same with `Retry-After: 10`': { outage: MINUTE, capacity: 2_000, retryAfter: 10_000 },
}

/** How a herd comes back, in virtual time: the same figures at each run of a seed. */
export function herd(policy: Policy, world: Partial<World>, seed = 1): Course {
  return simulate({
    clients: CLIENTS,
    wait: policies[policy],
    retry: RETRY,
    outage: 0,
    random: createRandom('herd', seed),
    horizon: 20 * MINUTE,
    ...world,
  })
}
