import { describe, expect, it, vi } from 'vitest'
import { call, Listeners } from '../../src/client/listeners.ts'
import type { ServerSentEvent } from '../../src/index.ts'

const event = (type: string) => ({ type, data: 'a', id: '' })
const same = (raw: ServerSentEvent): ServerSentEvent<string, unknown> | undefined => raw

/** Errors that reach `uncaughtException`, which they would otherwise end the process with. */
async function uncaught(act: () => void): Promise<unknown[]> {
  const errors: unknown[] = []
  const known = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const collect = (error: unknown) => void errors.push(error)
  process.on('uncaughtException', collect)
  try {
    act()
    await new Promise((resolve) => setTimeout(resolve, 10))
  } finally {
    process.off('uncaughtException', collect)
    for (const listener of known) process.on('uncaughtException', listener)
  }
  return errors
}

describe('listeners', () => {
  it('are called in the order of their arrival, those of the type and those of all', () => {
    const listeners = new Listeners()
    const heard: string[] = []
    listeners.add('tick', () => heard.push('tick 1'))
    listeners.add(undefined, () => heard.push('all'))
    listeners.add('tock', () => heard.push('tock'))
    listeners.add('tick', () => heard.push('tick 2'))
    listeners.emit(event('tick'), same)
    expect(heard).toEqual(['tick 1', 'all', 'tick 2'])
  })
  it('hear nothing any more once they are undone, which may be done twice', () => {
    const listeners = new Listeners()
    const run = vi.fn()
    const undo = listeners.add('tick', run)
    undo()
    undo()
    listeners.emit(event('tick'), same)
    expect(run).not.toHaveBeenCalled()
  })
  it('may be added twice, and each undo takes its own away', () => {
    const listeners = new Listeners()
    const run = vi.fn()
    listeners.add('tick', run)
    listeners.add('tick', run)()
    listeners.emit(event('tick'), same)
    expect(run).toHaveBeenCalledTimes(1)
  })
  it('that are added by one hear the next event first', () => {
    const listeners = new Listeners()
    const late = vi.fn()
    const undo = listeners.add('tick', () => {
      undo()
      listeners.add('tick', late)
    })
    listeners.emit(event('tick'), same)
    expect(late).not.toHaveBeenCalled()
    listeners.emit(event('tick'), same)
    expect(late).toHaveBeenCalledTimes(1)
  })
  it('do not hear this event any more, where an earlier one removed them', () => {
    const listeners = new Listeners()
    const run = vi.fn()
    let undo = () => {}
    listeners.add('tick', () => undo())
    undo = listeners.add('tick', run)
    listeners.emit(event('tick'), same)
    expect(run).not.toHaveBeenCalled()
  })
  it('cause the data to be read once for all of them, and not at all if there are none', () => {
    const listeners = new Listeners()
    const read = vi.fn(same)
    listeners.emit(event('tick'), read)
    expect(read).not.toHaveBeenCalled()
    listeners.add('tick', () => {})
    listeners.add(undefined, () => {})
    listeners.emit(event('tock'), read)
    listeners.emit(event('tick'), read)
    expect(read).toHaveBeenCalledTimes(2)
  })
  it('are not called with data that could not be read', () => {
    const listeners = new Listeners()
    const run = vi.fn()
    listeners.add('tick', run)
    listeners.emit(event('tick'), () => undefined)
    expect(run).not.toHaveBeenCalled()
  })
})

describe('a listener that fails', () => {
  it('disturbs no other, and is reported as uncaught', async () => {
    const listeners = new Listeners()
    const other = vi.fn()
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
    listeners.add('tick', () => {
      throw thrown
    })
    listeners.add('tick', async () => {
      throw rejected
    })
    listeners.add('tick', other)
    expect(await uncaught(() => listeners.emit(event('tick'), same))).toEqual([thrown, rejected])
    expect(other).toHaveBeenCalledTimes(1)
  })
  it('is reported to `reportError`, where there is one', () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const boom = new Error('boom')
    call(() => {
      throw boom
    })
    expect(report).toHaveBeenCalledWith(boom)
  })
  it('is nobody’s concern where there is none', () => {
    call(undefined)
    // biome-ignore lint/suspicious/noThenProperty: that is the case
    call(() => ({ then: 'not a function' }))
    call(() => null)
  })
})
