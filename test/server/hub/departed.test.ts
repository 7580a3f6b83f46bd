import { describe, expect, test } from 'vitest'
import type { Message } from '../../../src/log/log.ts'
import { Departed } from '../../../src/server/hub/departed.ts'
import type { HubSubscriber } from '../../../src/server/reader/hub-subscriber.ts'

interface Leaving {
  id: string
  user?: string
  sent?: string
  topics?: string[]
  named?: boolean
}

const leaving = ({ id, user, sent = 'e.1', topics = [], named = false }: Leaving) =>
  ({
    id,
    user,
    isNamed: named,
    outbox: { sent },
    view: { topics: { changed: topics.length > 0, all: new Set(topics) } },
  }) as unknown as HubSubscriber

const message = (addressee: Partial<Message>): Message => ({ frame: '', type: 'message', ...addressee })

describe('readers that have left', () => {
  test('are remembered ten thousand at a time, the last ones', () => {
    const departed = new Departed()
    for (let n = 0; n <= 10_000; n++) departed.left(leaving({ id: `c${n}`, sent: `e.${n}`, topics: ['room'] }))
    departed.published(message({ client: 'c0' }))
    expect(departed.hasMissed(undefined, 'e.0')).toBe(false)
    departed.published(message({ topics: ['room'] }))
    expect(departed.hasMissed(undefined, 'e.0')).toBe(false)
    expect(departed.hasMissed(undefined, 'e.1')).toBe(true)
    expect(departed.hasMissed(undefined, 'e.10000')).toBe(true)
  })

  test('and that have missed something, likewise', () => {
    const departed = new Departed()
    for (let n = 0; n <= 10_000; n++) {
      departed.left(leaving({ id: `c${n}`, sent: `e.${n}` }))
      departed.published(message({ client: `c${n}` }))
    }
    expect(departed.hasMissed(undefined, 'e.0')).toBe(false)
    expect(departed.hasMissed(undefined, 'e.10000')).toBe(true)
  })

  test('and those with a name, whose topics are said once', () => {
    const departed = new Departed()
    for (let n = 0; n <= 10_000; n++) departed.left(leaving({ id: `c${n}`, topics: [`t${n}`], named: true }))
    expect(departed.topicsOf({ id: 'c0', user: undefined })).toEqual([])
    expect(departed.topicsOf({ id: 'c9999', user: undefined })).toEqual(['t9999'])
    expect(departed.topicsOf({ id: 'c9999', user: undefined })).toEqual([])
  })

  test('are told once for each that left at the same place', () => {
    const departed = new Departed()
    for (const id of ['a', 'b']) departed.left(leaving({ id, topics: ['room'] }))
    departed.published(message({ topics: ['room'] }))
    expect([1, 2, 3].map(() => departed.hasMissed(undefined, 'e.1'))).toEqual([true, true, false])
  })

  test('are nobody else’s: neither a user’s of the same id, nor one’s whose name runs into it', () => {
    const departed = new Departed()
    departed.left(leaving({ id: 'a', user: 'x', sent: '1 2' }))
    departed.left(leaving({ id: 'tab', user: 'x', topics: ['secret'], named: true }))
    departed.published(message({ client: 'a' }))
    expect(departed.hasMissed('x 1', '2')).toBe(false)
    expect(departed.hasMissed(undefined, '1 2')).toBe(false)
    expect(departed.topicsOf({ id: 'tab', user: 'y' })).toEqual([])
    expect(departed.hasMissed('x', '1 2')).toBe(true)
  })
})
