import { describe, expect, it, test } from 'vitest'
import { decide, type Facts } from '../../src/client/decide.ts'
import { ConnectError, type ConnectErrorCode } from '../../src/client/errors.ts'

const failed = (code: ConnectErrorCode, retryable = true) => new ConnectError(code, code, retryable)
const refused = (status: number, headers: HeadersInit = {}, retryable = true) =>
  new ConnectError('status', `${status}`, retryable, { response: new Response(null, { status, headers }) })

/** What is true unless a row says otherwise: a first failure of a GET, met by the default policy without luck. */
const usual: Facts = {
  error: failed('network'),
  attempt: 1,
  failures: 1,
  wellSince: 0,
  now: 0,
  isOffline: false,
  retry: undefined,
  policy: { random: () => 0 },
  mayRepeat: true,
  canRenew: false,
  endIsGood: true,
}
const policy = (more: Facts['policy']) => ({ policy: { random: () => 0, ...more } })
const wait = (delay: number, floor = 0, mistake = false) => ({ next: 'wait', delay, floor, mistake })
const LUCKY = { random: () => 1 }

test.each<[what: string, facts: Partial<Facts>, decision: object]>([
  ['a line that broke', {}, wait(1000)],
  ['a line that broke, at worst', policy(LUCKY), wait(7000)],
  ['the third failure in a row, at worst', { failures: 3, ...policy(LUCKY) }, wait(25_000)],
  ['a server that ended its answer after something new', { failures: 0, ...policy(LUCKY) }, wait(1500)],
  ['an error that will not pass', { error: failed('content-type', false) }, { next: 'failed' }],
  ['a request that may not be made twice', { mayRepeat: false }, { next: 'failed' }],
  ['the end of one', { mayRepeat: false, error: failed('ended') }, { next: 'ended' }],
  ['its end before its sentinel', { mayRepeat: false, error: failed('ended'), endIsGood: false }, { next: 'failed' }],
  ['one failure more than the limit', { failures: 3, ...policy({ limit: 2 }) }, { next: 'failed' }],
  ['as many failures as the limit', { failures: 2, ...policy({ limit: 2 }) }, wait(1000)],
  [
    'ends of a body beyond the limit',
    { error: failed('ended'), failures: 1, ...policy({ limit: 0 }) },
    { next: 'failed' },
  ],

  ['a wish of the server’s', { retry: 3000 }, wait(3000, 3000)],
  ['a wish below the base', { retry: 20 }, wait(20, 20)],
  ['Retry-After', { error: refused(503, { 'retry-after': '7' }) }, wait(7000, 7000)],
  ['the longer one of two wishes', { retry: 9000, error: refused(503, { 'retry-after': '7' }) }, wait(9000, 9000)],
  ['a wish of ten days', { retry: 864_000_000 }, wait(3_600_000, 3_600_000)],
  ['a wish beyond a longest one of ours', { retry: 9000, ...policy({ longest: 5000 }) }, wait(5000, 5000)],
  ['no network', { isOffline: true }, wait(30_000)],
  ['no network and a wish', { isOffline: true, retry: 60_000 }, wait(60_000, 60_000)],

  ['a 401 that a new token may heal', { error: refused(401, {}, false), canRenew: true }, { next: 'renew' }],
  ['a 403 that a new token may heal', { error: refused(403, {}, false), canRenew: true }, { next: 'renew' }],
  ['a 401 that a new token did not heal', { error: refused(401, {}, false) }, { next: 'failed' }],
  ['a 500, which no token heals', { error: refused(500), canRenew: true }, wait(1000)],

  ['a function that says yes', { error: refused(404, {}, false), ...policy({ when: () => true }) }, wait(1000)],
  ['a function that says no', policy({ when: () => false }), { next: 'failed' }],
  [
    'a function that says no to an end',
    { error: failed('ended'), ...policy({ when: () => false }) },
    { next: 'ended' },
  ],
  ['a function that says when', policy({ when: () => 5000 }), wait(5000)],
  ['a function that says sooner than the server', { retry: 9000, ...policy({ when: () => 50 }) }, wait(50, 50)],
  ['a function that says at once, which would be a hot loop', policy({ when: () => 0 }), wait(10)],
  ['a function that allows what is sent once', { mayRepeat: false, ...policy({ when: () => true }) }, wait(1000)],
  ['a function beyond the limit', { failures: 3, ...policy({ when: () => true, limit: 2 }) }, { next: 'failed' }],
  ['a function that says nothing', policy({ when: () => undefined as never }), wait(1000, 0, true)],
  ['a function that says no number', policy({ when: () => Number.NaN }), wait(1000, 0, true)],
  ['a function that says the past', policy({ when: () => -1 }), wait(1000, 0, true)],
  [
    'a function that says nothing of a POST',
    { mayRepeat: false, ...policy({ when: () => undefined as never }) },
    { next: 'failed' },
  ],
])('%s', (_, facts, decision) => {
  expect(decide({ ...usual, ...facts })).toEqual(decision)
})

describe('a function of the caller’s', () => {
  it('is told all that is known, and what would be waited without it', () => {
    const told: unknown[] = []
    const error = refused(503, { 'retry-after': '7' })
    const when = (failure: unknown) => {
      told.push(failure)
      return false
    }
    decide({ ...usual, error, attempt: 4, failures: 4, wellSince: 100, now: 350, ...policy({ when }) })
    expect(told).toEqual([{ error, status: 503, headers: error.headers, attempt: 4, elapsed: 250, delay: 7000 }])
  })
  it('is not asked where a new token may heal it', () => {
    const when = () => {
      throw new Error('asked')
    }
    expect(decide({ ...usual, error: refused(401, {}, false), canRenew: true, ...policy({ when }) }).next).toBe('renew')
  })
})
