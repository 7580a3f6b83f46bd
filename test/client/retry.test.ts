import { describe, expect, it, test } from 'vitest'
import { backoff, isRetryable, type RetryOptions, retryAfter, steady } from '../../src/client/retry.ts'

describe('backoff', () => {
  /** The least and the most that is waited. */
  const range = (failures: number, floor: number, options: RetryOptions = {}) => [
    backoff(failures, floor, { ...options, random: () => 0 }),
    backoff(failures, floor, { ...options, random: () => 1 }),
  ]

  test.each<[failures: number, floor: number, options: RetryOptions, least: number, most: number]>([
    [0, 1000, {}, 1000, 1500],
    [1, 1000, {}, 1000, 7000],
    [2, 1000, {}, 1000, 13_000],
    [3, 1000, {}, 1000, 25_000],
    [4, 1000, {}, 1000, 30_000],
    [1000, 1000, {}, 1000, 30_000],
    [1, 3000, {}, 3000, 21_000],
    [1, 5, {}, 10, 70],
    [1, 0, {}, 10, 70],
    [5, 0, {}, 10, 970],
    [1, 100, { factor: 1 }, 100, 700],
    [9, 100, { factor: 1 }, 100, 700],
    [3, 100, { factor: 3 }, 100, 5500],
    [9, 100, { max: 150 }, 100, 150],
    [1, 25_000, {}, 25_000, 37_500],
    [1, 60_000, {}, 60_000, 90_000],
    [0, 60_000, {}, 60_000, 90_000],
    [1, 1e15, {}, 2 ** 31 - 1, 2 ** 31 - 1],
    [1, 1000, { max: Infinity }, 1000, 7000],
    [2000, 1000, { max: Infinity }, 1000, 2 ** 31 - 1],
  ])('after %i failures and a floor of %i with %j waits %i to %i', (failures, floor, options, least, most) => {
    expect(range(failures, floor, options)).toEqual([least, most])
  })

  it('gives whole milliseconds that are never below the floor, whatever the numbers', () => {
    for (let failures = 0; failures < 50; failures++)
      for (const floor of [0, 1, 999, 12_345, 40_000]) {
        const wait = backoff(failures, floor)
        expect(wait).toBe(Math.round(wait))
        expect(wait).toBeGreaterThanOrEqual(floor)
      }
  })
})

describe('steady', () => {
  test.each<[failures: number, floor: number, options: RetryOptions, wait: number]>([
    [0, 1000, {}, 1000],
    [1, 1000, {}, 1000],
    [2, 1000, {}, 2000],
    [5, 1000, {}, 16_000],
    [6, 1000, {}, 30_000],
    [3, 100, { factor: 3 }, 900],
    [9, 60_000, {}, 60_000],
    [1, 0, {}, 10],
    [9000, 1000, { max: Infinity }, 2 ** 31 - 1],
  ])('after %i failures and a floor of %i with %j waits %i', (failures, floor, options, wait) => {
    expect(steady(failures, floor, options)).toBe(wait)
  })
})

describe('isRetryable', () => {
  const all = Array.from({ length: 600 }, (_, status) => status)

  it('takes 408, 425, 429 and 5xx for what may pass', () => {
    expect(all.filter((status) => isRetryable(status))).toEqual([408, 425, 429, ...all.slice(500)])
  })
  it('takes the statuses that it is given, and no others', () => {
    expect(all.filter((status) => isRetryable(status, [404, 503]))).toEqual([404, 503])
    expect(isRetryable(503, [])).toBe(false)
  })
})

describe('retryAfter', () => {
  const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT')

  test.each<[headers: Record<string, string>, milliseconds: number]>([
    [{}, 0],
    [{ 'retry-after': '' }, 0],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '120' }, 120_000],
    [{ 'retry-after': ' 120 ' }, 120_000],
    [{ 'retry-after': '5, 5' }, 5000],
    [{ 'retry-after': '5,9' }, 5000],
    [{ 'retry-after': '-1' }, 0],
    [{ 'retry-after': '1.5' }, 0],
    [{ 'retry-after': 'soon' }, 0],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:27:00 GMT' }, 0],
    [{ 'retry-after': 'Fri, 01 Jan 2100 00:00:09 GMT', date: 'Fri, 01 Jan 2100 00:00:00 GMT' }, 9000],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT', date: 'nonsense' }, 30_000],
  ])('%j is %i ms', (headers, milliseconds) => {
    expect(retryAfter(new Headers(headers), now)).toBe(milliseconds)
  })
  it('is 0 where there was no answer', () => {
    expect(retryAfter(undefined, now)).toBe(0)
  })
})
