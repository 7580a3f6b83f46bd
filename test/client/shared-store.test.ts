import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSharedStore } from '../../src/client/shared-store.ts'
import type { Live, Store } from '../../src/client/store.ts'
import { createMockServer, type MockServer } from '../../src/testing/index.ts'

const URL = 'https://example.test/events'
const LINGER = 50

let server: MockServer
let stores: { store: Store; undo: () => void }[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  server = createMockServer()
  stores = []
})
afterEach(async () => {
  for (const { undo } of stores) undo()
  vi.advanceTimersByTime(LINGER)
  await frame()
  expect([server.live, vi.getTimerCount()]).toEqual([0, 0])
  vi.useRealTimers()
})

/** A store that is subscribed to until the test is over. */
function join(id: unknown, options: Partial<Live> = {}): Store {
  const live = { url: URL, fetch: server.fetch, connectTimeout: 0, retry: { base: 100, random: () => 0 }, ...options }
  const store = createSharedStore(live as Live, id)
  stores.push({ store, undo: store.subscribe(() => {}) })
  return store
}
async function leave(store: Store) {
  stores.find((each) => each.store === store)?.undo()
  vi.advanceTimersByTime(LINGER)
  await settle()
}
async function settle() {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
async function frame() {
  await settle()
  vi.advanceTimersByTime(16)
}

describe('stores of one id', () => {
  it('share one connection, all fifty of them, and each sees every event', async () => {
    const all = Array.from({ length: 50 }, () => join('one'))
    const request = await server.next()
    for (const data of ['a', 'b']) request.send({ data })
    await frame()
    expect(server.requests).toHaveLength(1)
    for (const store of all)
      expect(store.getSnapshot()).toMatchObject({ state: 'open', events: [{ data: 'a' }, { data: 'b' }] })
  })

  it('listen to types of their own, and fold in their own way', async () => {
    const ticks = join('one', { event: 'tick' })
    const count = join('one', { reduce: (count) => (count as number) + 1, initial: 0 })
    const request = await server.next()
    request.send({ type: 'tick', data: 'a' })
    request.send({ type: 'note', data: 'b' })
    await frame()
    expect([ticks, count].map((store) => store.getSnapshot().data)).toEqual(['a', 2])
    expect(server.requests).toHaveLength(1)
  })

  it('keep the connection until the last of them is gone', async () => {
    const [first, last] = [join('one'), join('one')]
    const request = await server.next()
    await leave(first)
    request.send({ data: 'a' })
    await frame()
    expect([first, last].map((store) => store.getSnapshot())).toMatchObject([
      { state: 'closed', data: undefined },
      { state: 'open', data: 'a' },
    ])
    await leave(last)
    expect(await request.closed).toBe('aborted')
  })

  it('begin anew when all had gone', async () => {
    await leave(join('one'))
    expect(server.requests).toHaveLength(0)
    const store = join('one')
    ;(await server.next()).send({ data: 'a' })
    await frame()
    expect(store.getSnapshot().data).toBe('a')
  })

  it('begin with the next event when they come later, and know the state at once', async () => {
    join('one')
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    const late = join('one')
    expect(late.getSnapshot()).toMatchObject({ state: 'open', data: undefined, events: [] })
    request.send({ data: 'b' })
    await frame()
    expect(late.getSnapshot().events).toMatchObject([{ data: 'b' }])
  })

  it('do not open a stream again that had ended when they came', async () => {
    const once = { method: 'POST', body: 'x', until: '[DONE]' }
    join('one', once)
    ;(await server.next()).send({ data: '[DONE]' })
    await frame()
    const late = join('one', once)
    await settle()
    expect(late.getSnapshot().state).toBe('closed')
    expect(server.requests).toHaveLength(1)
  })

  it('rest alone: the others stay connected', async () => {
    const [resting, other] = [join('one'), join('one')]
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    resting.update({ ...resting.live, enabled: false })
    request.send({ data: 'b' })
    await frame()
    expect([resting, other].map((store) => store.getSnapshot())).toMatchObject([
      { state: 'closed', data: 'a' },
      { state: 'open', data: 'b' },
    ])
  })

  it('are all closed by close, and all opened by one’s reconnect', async () => {
    const [one, two] = [join('one'), join('one')]
    await server.next()
    one.getSnapshot().close()
    expect([one, two].map((store) => store.getSnapshot().state)).toEqual(['closed', 'closed'])
    two.getSnapshot().reconnect()
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    expect([one, two].map((store) => store.getSnapshot().data)).toEqual(['a', 'a'])
    expect(server.requests).toHaveLength(2)
  })
})

describe('options of stores of one id', () => {
  it('are those of the newest that gives them, while it is there', async () => {
    const old = join('one', { headers: { authorization: 'old' } })
    const first = await server.next()
    const newer = join('one', { headers: { authorization: 'newer' } })
    join('one', { headers: undefined })
    async function again(last: typeof first) {
      last.drop()
      await settle()
      vi.advanceTimersByTime(100)
      return await server.next()
    }
    const second = await again(first)
    await leave(newer)
    const third = await again(second)
    old.update({ ...old.live, headers: { authorization: 'changed' } })
    const fourth = await again(third)
    expect([first, second, third, fourth].map(({ headers }) => headers.get('authorization'))).toEqual([
      'old',
      'newer',
      'old',
      'changed',
    ])
  })

  it('hear each an error, once', async () => {
    const [one, two] = [vi.fn(), vi.fn()]
    join('one', { onError: one })
    join('one', { onError: two })
    join('one')
    ;(await server.next()).drop()
    await settle()
    for (const onError of [one, two]) expect(onError.mock.calls).toMatchObject([[{ code: 'network' }]])
  })
})

it('stores of different ids share nothing', async () => {
  join('one')
  join('two')
  join({})
  join({})
  await settle()
  expect(server.requests).toHaveLength(4)
})
