import { describe, expect, it } from 'vitest'
import { CLIENTS, herd, MINUTE, type Policy, policies, RETRY, worlds } from './policies.ts'
import type { Course } from './simulate.ts'

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
