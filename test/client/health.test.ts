import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Health } from '../../src/client/health.ts'

let health: Health
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  health = new Health()
  return () => vi.useRealTimers()
})
const attempt = ({ events = 0, lasts = 0, ended = false }) => {
  health.open()
  health.hear()
  for (let event = 0; event < events; event++) health.deliver()
  vi.advanceTimersByTime(lasts)
  health.count(ended, undefined)
  return health.failures
}

describe('failures in a row', () => {
  it('are counted while nothing new comes', () => {
    expect([attempt({}), attempt({ ended: true }), attempt({ lasts: 4999 })]).toEqual([1, 2, 3])
  })
  it('begin anew with one after an attempt that brought something new, and none where the server ended it', () => {
    expect([attempt({}), attempt({}), attempt({ events: 1 }), attempt({ events: 1, ended: true })]).toEqual([
      1, 2, 1, 0,
    ])
  })
  it('begin anew after a stream that spoke and lasted', () => {
    expect([attempt({}), attempt({}), attempt({ lasts: 5000 }), attempt({ lasts: 5000, ended: true })]).toEqual([
      1, 2, 1, 0,
    ])
  })
  it('do not begin anew because a socket was open', () => {
    attempt({})
    health.open()
    vi.advanceTimersByTime(60_000)
    health.count(false, undefined)
    expect(health.failures).toBe(2)
  })
  it('are those of each attempt: what one brought does not excuse the next', () => {
    expect([attempt({ events: 1 }), attempt({}), attempt({})]).toEqual([1, 2, 3])
    health.count(false, undefined)
    expect(health.failures).toBe(4)
  })
})

describe('all is well', () => {
  it('from when failures are forgotten, and a token may be asked for again', () => {
    health.wasRenewed = true
    vi.advanceTimersByTime(100)
    attempt({})
    expect([health.wellSince, health.wasRenewed]).toEqual([1_000_000, true])
    attempt({ events: 1, lasts: 50 })
    expect([health.wellSince, health.wasRenewed]).toEqual([1_000_150, false])
  })
  it('may be judged when a stream is left', () => {
    attempt({})
    health.open()
    health.hear()
    vi.advanceTimersByTime(300)
    expect([health.leave(301), health.failures]).toEqual([false, 1])
    health.open()
    health.hear()
    vi.advanceTimersByTime(300)
    expect([health.leave(300), health.failures]).toEqual([true, 0])
  })
})
