import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { delay, later } from '../../src/client/delay.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('later', () => {
  it('calls once, and not once it is undone', async () => {
    const run = vi.fn()
    later(100, run, false)
    later(100, run, false)()
    await vi.advanceTimersByTimeAsync(1000)
    expect(run).toHaveBeenCalledTimes(1)
  })
  it('waits as long as a timer can where it is asked to wait longer, instead of not at all', async () => {
    const run = vi.fn()
    later(1e15, run, false)
    await vi.advanceTimersByTimeAsync(2 ** 31 - 2)
    expect(run).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(run).toHaveBeenCalledTimes(1)
  })
  it('lets the process exit where it is told so', () => {
    vi.useRealTimers()
    const timers: { hasRef(): boolean }[] = []
    const real = globalThis.setTimeout
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, milliseconds: number) => {
      const timer = real(run, milliseconds)
      timers.push(timer)
      return timer
    }) as typeof setTimeout)
    later(1000, () => {}, true)()
    later(1000, () => {}, false)()
    later(1000, () => {}, undefined)()
    expect(timers.map((timer) => timer.hasRef())).toEqual([false, true, true])
  })
})

describe('delay', () => {
  it('is over after its time', async () => {
    const over = vi.fn()
    delay(100, new AbortController().signal, false).then(over)
    await vi.advanceTimersByTimeAsync(99)
    expect(over).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(over).toHaveBeenCalled()
  })
  it('is over as soon as its signal aborts, and leaves no timer', async () => {
    const abort = new AbortController()
    const waiting = delay(1e9, abort.signal, false)
    abort.abort()
    await waiting
    expect(vi.getTimerCount()).toBe(0)
  })
  it('does not begin with a signal that is aborted already', async () => {
    await delay(1e9, AbortSignal.abort(), false)
    expect(vi.getTimerCount()).toBe(0)
  })
})
