import { describe, expect, it, vi } from 'vitest'
import { Cursors } from '../../src/client/cursors.ts'

function create() {
  const save = vi.fn()
  const cursors = new Cursors('0', { save })
  /** Gives out an event, to nobody or to somebody who is done with it later. */
  const event = (id: string, isHeld = false) => {
    const before = cursors.parsed
    cursors.move(id, 'http://a')
    cursors.begin(before)
    const held = isHeld ? cursors.hold() : undefined
    cursors.end()
    return () => held && cursors.release(held)
  }
  return { cursors, save, event, saved: () => save.mock.calls.map(([id]) => id) }
}

describe('what was handled', () => {
  it('is what was parsed, while nobody is behind', () => {
    const { cursors, event } = create()
    expect(cursors.handled).toBe('0')
    event('1')
    event('2')
    expect([cursors.parsed, cursors.handled]).toEqual(['2', '2'])
  })
  it('is the event before, while the listeners of one are running', () => {
    const { cursors } = create()
    cursors.move('1', 'http://a')
    cursors.begin('0')
    expect(cursors.handled).toBe('0')
    cursors.end()
    expect(cursors.handled).toBe('1')
  })
  it('is the newest before which nothing is left to be done, in whatever order it is', () => {
    const { cursors, event } = create()
    const done = [event('1', true), event('2'), event('3', true), event('4', true), event('5')]
    const seen = [0, 3, 2, 2].map((at) => {
      done[at]?.()
      return cursors.handled
    })
    expect(seen).toEqual(['2', '2', '5', '5'])
  })
  it('may wait for several who are given one event', () => {
    const { cursors } = create()
    cursors.begin('0')
    cursors.move('1', 'http://a')
    const [one, two] = [cursors.hold(), cursors.hold()]
    cursors.end()
    cursors.release(one)
    cursors.release(one)
    expect(cursors.handled).toBe('0')
    cursors.release(two)
    expect(cursors.handled).toBe('1')
  })
  it('stays before the event in which a loop was left, until the next event is given out', () => {
    const { cursors } = create()
    const held = ['1', '2', '3'].map((id) => {
      cursors.begin(cursors.parsed)
      const mark = cursors.hold()
      cursors.move(id, 'http://a')
      cursors.end()
      return mark
    })
    cursors.leave(held)
    expect(cursors.handled).toBe('0')
    cursors.begin('3')
    cursors.move('4', 'http://a')
    cursors.end()
    expect(cursors.handled).toBe('4')
  })
})

describe('saving', () => {
  it('is of what was handled, once for each news', () => {
    const { cursors, event, saved } = create()
    event('1')
    event('2')
    cursors.rest()
    cursors.rest()
    expect(saved()).toEqual(['2'])
    const done = event('3', true)
    cursors.rest()
    expect(saved()).toEqual(['2'])
    done()
    expect(saved()).toEqual(['2', '3'])
  })
  it('is not of what was loaded', () => {
    const { cursors, save } = create()
    cursors.load('7')
    cursors.rest()
    expect([cursors.parsed, cursors.handled, save.mock.calls.length]).toEqual(['7', '7', 0])
  })
})
