import { describe, expect, it } from 'vitest'
import { backoff } from '../../src/client/retry.ts'
import { createRandom } from '../chaos/random.ts'
import { type Course, simulate, type Wait, type World } from './simulate.ts'

const CLIENTS = 100_000
const RETRY = 3_000
const MINUTE = 60_000

const policies = {
  ours: (failures, floor, random) => backoff(failures, floor, { random }),
  'fixed 3 s': (_failures, floor) => floor,
  'exponential, no jitter': (failures, floor) => Math.max(floor, Math.min(30_000, RETRY * 2 ** (failures - 1))),
} satisfies Record<string, Wait>

type Policy = keyof typeof policies

function herd(policy: Policy, world: Partial<World>, seed = 1): Course {
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

const worlds: Record<string, Partial<World>> = {
  'a server that is back at once': {},
  'a server that is away for 10 s': { outage: 10_000 },
  'a server that is away for a minute': { outage: MINUTE },
  'a server that is away for a minute and then takes 2,000 clients a second': { outage: MINUTE, capacity: 2_000 },
  'the same with `Retry-After: 10`': { outage: MINUTE, capacity: 2_000, retryAfter: 10_000 },
}

describe('100,000 clients that lose their server at once', () => {
  const table: Record<string, unknown>[] = []

  describe.each(Object.entries(worlds))('%s', (name, world) => {
    const courses = Object.fromEntries(
      (Object.keys(policies) as Policy[]).map((policy) => [policy, herd(policy, world)]),
    ) as Record<Policy, Course>
    const { ours, 'fixed 3 s': fixed, 'exponential, no jitter': plain } = courses
    for (const [policy, course] of Object.entries(courses)) table.push(row(name, policy, course))

    it('are met by at most a tenth of the peak that a fixed retry of 3 s causes', () => {
      expect(fixed.peak).toBe(CLIENTS)
      expect(ours.peak).toBeLessThanOrEqual(fixed.peak / 10)
    })

    it('are met by at most a tenth of the peak that a backoff without jitter causes', () => {
      expect(ours.peak).toBeLessThanOrEqual(plain.peak / 10)
    })

    it('never come before the `retry` that the server asked for', () => {
      expect(ours.early).toBe(0)
      expect(ours.first).toBeGreaterThanOrEqual(RETRY)
    })

    it('are all back within two minutes of the server', () => {
      expect(ours.allBack).toBeLessThanOrEqual(2 * MINUTE)
    })
  })

  it('is no luck of one seed', () => {
    const peaks = Array.from({ length: 8 }, (_, seed) => herd('ours', { outage: MINUTE }, seed).peak)
    expect(Math.max(...peaks)).toBeLessThanOrEqual(CLIENTS / 10)
  })

  it('prints what it measured', () => {
    console.table(table)
    expect(table).toHaveLength(Object.keys(worlds).length * Object.keys(policies).length)
  })
})

function row(world: string, policy: string, { peak, peakAt, requests, first, halfBack, allBack }: Course) {
  const seconds = (milliseconds: number) => (milliseconds === Infinity ? 'never' : Math.round(milliseconds / 100) / 10)
  return {
    world,
    policy,
    'peak req/s': peak,
    'at s': seconds(peakAt),
    requests,
    'first s': seconds(first),
    'half back s': seconds(halfBack),
    'all back s': seconds(allBack),
  }
}
