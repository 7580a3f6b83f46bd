import { describe, expect, test, vi } from 'vitest'
import { type Audience, createHub, type Hub, type Subscriber, type Subscription } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

const invalid = expect.objectContaining({ code: 'invalid-option' })

/** What cannot be meant: whoever wrote it had somebody in mind. */
const NOBODY: ReadonlyArray<[string, unknown]> = [
  ['a user who is not known', { user: undefined }],
  ['a user who is null', { user: null }],
  ['a user without a name', { user: '' }],
  ['a user who is a number', { user: 7 }],
  ['a topic that is not known', { topic: undefined }],
  ['an empty topic', { topic: '' }],
  ['a client that is not known', { client: undefined }],
  ['a condition that is not there', { where: undefined }],
  ['a condition that is none', { where: true }],
  ['a key that does not exist', { user_id: 'anna' }],
  ['a key in another case', { Topic: 'a' }],
  ['an empty object', {}],
  ['an object of a prototype alone', Object.create({ user: 'anna' })],
  ['null', null],
  ['a name', 'anna'],
  ['an empty name', ''],
  ['a list', ['anna']],
]

async function three(): Promise<{ hub: Hub; errors: unknown[]; data(): string[][] }> {
  const errors: unknown[] = []
  const served = await serveHub({ onError: (error) => errors.push(error) }, ({ url }) => ({
    user: url?.slice(1) || undefined,
  }))
  const readers = [await served.join({ path: 'anna' }), await served.join({ path: 'ben' }), await served.join()]
  await until(() => served.hub.size === 3)
  return { hub: served.hub, errors, data: () => readers.map(({ events }) => events.map(({ data }) => data)) }
}

describe('publish', () => {
  test.each([
    ...NOBODY,
    ['topics that are not known', { topics: undefined }],
    ['no topics', { topics: [] }],
    ['a topic in place of topics', { topics: 'news' }],
    ['topics of which one is not known', { topics: ['a', undefined] }],
    ['topics of which one is empty', { topics: ['a', ''] }],
    ['somebody not known who is left out', { except: undefined }],
    ['a user, and a topic that is not known', { user: 'anna', topic: undefined }],
  ])('to %s is refused, and is nobody’s: not in the log either', async (_, audience) => {
    const { hub, data } = await three()
    await expect(hub.publish({ data: 'private' }, audience as Audience)).rejects.toEqual(invalid)
    await hub.publish({ data: 'END' })
    await until(() => data().every((all) => all.includes('END')))
    expect(data()).toEqual([['END'], ['END'], ['END']])
    // The next one has the first place: what was refused was not appended.
    expect(hub.stats().newest).toMatch(/\.1$/)
    const response = await hub.fetch(
      new Request('http://a/', { headers: { 'last-event-id': `${hub.stats().newest?.split('.')[0]}.0` } }),
    )
    expect(response.headers.get('last-event-id')).toMatch(/\.0$/)
    await response.body?.cancel()
  })

  test('says what was wrong, and where', async () => {
    const hub = createHub({ onError: () => {} })
    await expect(hub.publish({ data: 1 }, { user: undefined } as unknown as Audience)).rejects.toThrow(
      /user must be a string/,
    )
    await expect(hub.publish({ data: 1 }, { room: 'a' } as Audience)).rejects.toThrow(
      /has no "room".*topic, topics, user/,
    )
  })

  test('to everyone is said in so many words, or by naming nobody at all', async () => {
    const { hub, data } = await three()
    await hub.publish({ data: '1' })
    await hub.publish({ data: '2' }, undefined)
    await hub.publish({ data: '3' }, 'everyone')
    await until(() => data().every((all) => all.length === 3))
    expect(data()).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
      ['1', '2', '3'],
    ])
  })

  test('to all but one leaves out that connection alone: the sender hears no echo, his other tabs do', async () => {
    const { hub, data } = await three()
    const [anna] = hub.subscribers({ user: 'anna' }) as unknown as [Subscriber]
    await hub.publish({ data: 'to the others' }, { except: anna.id })
    await hub.publish({ data: 'to herself' }, { user: 'anna', except: anna.id })
    await hub.publish({ data: 'END' })
    await until(() => data().every((all) => all.includes('END')))
    expect(data()).toEqual([['END'], ['to the others', 'END'], ['to the others', 'END']])
  })

  test('to a topic but one connection is not replayed to that one when it returns under its name', async () => {
    const { hub, join } = await serveHub({}, ({ url }) => ({ topics: ['room'], client: url?.slice(1) as string }))
    const [sender, other] = [await join({ path: 'tab-1' }), await join({ path: 'tab-2' })]
    await until(() => hub.size === 2)
    const { id } = await hub.publish({ data: 'before' }, { topic: 'room' })
    await Promise.all([sender.until(1), other.until(1)])
    sender.drop()
    other.drop()
    await until(() => hub.size === 0)
    await hub.publish({ data: 'said' }, { topic: 'room', except: 'tab-1' })
    await hub.publish({ data: 'END' }, { topic: 'room' })
    const again = [await join({ path: 'tab-1', lastEventId: id }), await join({ path: 'tab-2', lastEventId: id })]
    await Promise.all([again[0]?.until(1), again[1]?.until(2)])
    expect(again.map(({ events }) => events.map(({ data }) => data))).toEqual([['END'], ['said', 'END']])
  })

  test.each([
    ['a promise', async () => false],
    [
      'an error',
      () => {
        throw new Error('mine')
      },
    ],
    ['nothing', () => undefined],
  ])('where the answer is %s reaches nobody, and harms nobody', async (_, where) => {
    const { hub, data } = await three()
    await hub.publish({ data: 'private' }, { where: where as unknown as () => boolean })
    await hub.publish({ data: 'END' })
    await until(() => data().every((all) => all.includes('END')))
    expect(data()).toEqual([['END'], ['END'], ['END']])
  })
})

describe('the choice of connections', () => {
  test.each([...NOBODY, ['nothing', undefined]])('refuses %s, and ends nobody', async (_, who) => {
    const { hub } = await three()
    for (const choose of [
      () => hub.disconnect(who as never),
      () => hub.count(who as never),
      () => (who === undefined ? hub.disconnect(who as never) : [...hub.subscribers(who as never)]),
    ]) {
      expect(choose).toThrow(invalid)
    }
    expect(hub.size).toBe(3)
  })

  test('may be everyone, in so many words', async () => {
    const { hub } = await three()
    expect([hub.count('everyone'), [...hub.subscribers('everyone')].length, [...hub.subscribers()].length]).toEqual([
      3, 3, 3,
    ])
    expect(hub.disconnect('everyone')).toBe(3)
    await until(() => hub.size === 0)
  })

  test('where the answer is a promise ends nobody, and says so', async () => {
    const { hub } = await three()
    const where = (async () => false) as unknown as () => boolean
    expect(() => hub.disconnect({ where })).toThrow(/promise/)
    expect(() => hub.count({ where })).toThrow(/promise/)
    expect(hub.size).toBe(3)
  })
})

describe('who is there', () => {
  test('is counted by topic, by user, by both, by client and by condition', async () => {
    const hub = createHub()
    after(() => hub.close({ within: 0 }))
    const join = (subscription: Subscription) => hub.fetch(new Request('http://a/'), subscription)
    await join({ user: 'anna', topics: ['a', 'b'], client: 'tab' })
    await join({ user: 'anna', topics: ['a'] })
    await join({ user: 'ben', topics: ['a.1'], patterns: ['a.*'] })
    await join({ patterns: ['*'] })
    const where = ({ user }: Subscriber) => user === 'ben'
    expect([
      hub.count({ topic: 'a' }),
      hub.count({ topic: 'a.1' }),
      hub.count({ topic: 'a.2' }),
      hub.count({ topic: 'nobody’s' }),
      hub.count({ user: 'anna' }),
      hub.count({ user: 'anna', topic: 'b' }),
      hub.count({ user: 'carl' }),
      hub.count({ client: 'tab' }),
      hub.count({ client: 'tab', user: 'ben' }),
      hub.count({ where }),
      hub.count({ topic: 'a', where }),
      hub.count('everyone'),
    ]).toEqual([3, 2, 2, 1, 2, 1, 0, 1, 0, 1, 0, 4])
    expect([...hub.users()].sort()).toEqual(['anna', 'ben'])
    expect([...hub.users('a')]).toEqual(['anna'])
    expect([...hub.users('a.9')]).toEqual(['ben'])
    expect([...hub.subscribers({ topic: 'a', user: 'anna' })]).toHaveLength(2)
    expect([...hub.subscribers({ topic: 'a.1' })]).toHaveLength(2)
  })

  test('follows who comes, changes its topics and goes', async () => {
    const { hub, join } = await serveHub({}, ({ url }) => ({ user: url?.slice(1) as string, topics: ['a'] }))
    const anna = await join({ path: 'anna' })
    await join({ path: 'ben' })
    await until(() => hub.size === 2)
    expect([...hub.users('a')].sort()).toEqual(['anna', 'ben'])
    const [ben] = hub.subscribers({ user: 'ben' }) as unknown as [Subscriber]
    ben.unsubscribe('a')
    ben.subscribe('b')
    expect([hub.count({ topic: 'a' }), hub.count({ topic: 'b' }), [...hub.users('b')]]).toEqual([1, 1, ['ben']])
    anna.drop()
    await until(() => hub.count({ user: 'anna' }) === 0)
    expect([hub.count({ topic: 'a' }), [...hub.users('a')], [...hub.users()]]).toEqual([0, [], ['ben']])
  })

  test('cannot be changed through what is answered', async () => {
    const hub = createHub()
    after(() => hub.close({ within: 0 }))
    await hub.fetch(new Request('http://a/'), { user: 'anna', topics: ['a'] })
    ;(hub.users() as Set<string>).clear()
    ;(hub.users('a') as Set<string>).clear()
    const [subscriber] = hub.subscribers() as unknown as [Subscriber]
    ;(subscriber.topics as string[]).push('secret')
    Object.assign(hub.stats().topics, { b: 1 })
    expect([[...hub.users()], hub.count({ topic: 'secret' }), hub.stats().topics]).toEqual([['anna'], 0, { a: 1 }])
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'may be called %s, or follow what is',
    async (name) => {
      const onError = vi.fn()
      const { hub, join } = await serveHub({ onError }, { user: name, topics: [name], client: name })
      const reader = await join()
      await until(() => hub.size === 1)
      await hub.publish({ data: 'user' }, { user: name })
      await hub.publish({ data: 'topic' }, { topic: name })
      await hub.publish({ data: 'client', type: name }, { client: name })
      await reader.until(3)
      const { users, topics } = JSON.parse(JSON.stringify(hub.stats()))
      expect([Object.entries(users), Object.entries(topics)]).toEqual([[[name, 1]], [[name, 1]]])
      expect([hub.count({ user: name }), hub.count({ user: 'valueOf' }), onError.mock.calls]).toEqual([1, 0, []])
    },
  )
})
