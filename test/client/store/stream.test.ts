import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StandardSchema } from '../../../src/client/schema.ts'
import { type Live, type StoreState, streamId } from '../../../src/client/store/live.ts'
import { createStore, type Store } from '../../../src/client/store/store.ts'
import { createMockServer, type MockServer } from '../../../src/testing/index.ts'

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
function join(key: string | undefined, options: Partial<Live> = {}): Store {
  const live = {
    url: URL,
    key,
    fetch: server.fetch,
    connectTimeout: 0,
    retry: { base: 100, random: () => 0 },
    ...options,
  }
  const store = createStore(live as Live)
  stores.push({ store, undo: store.subscribe(() => {}) })
  return store
}
async function leave(store: Store) {
  stores.find((each) => each.store === store)?.undo()
  vi.advanceTimersByTime(LINGER)
  await settle()
}
/** A schema whose answer is what the function makes of a value; nothing is a refusal. */
function schema(make: (value: unknown) => unknown): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate(given) {
        const value = make(given)
        return value === undefined ? { issues: [{ message: 'refused' }] } : { value }
      },
    },
  }
}
async function wait(ms: number) {
  await settle()
  vi.advanceTimersByTime(ms)
  await settle()
}
async function settle() {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
async function frame() {
  await settle()
  vi.advanceTimersByTime(16)
}

describe('the options of a store', () => {
  it('count from the next use on when they change, and reconnect nothing', async () => {
    const [before, after] = [vi.fn(), vi.fn()]
    const store = join(undefined, { onEvent: before, headers: { authorization: 'old' } })
    const first = await server.next()
    first.send({ data: 'a' })
    await settle()
    store.update({ ...store.live, onEvent: after, headers: { authorization: 'new' } })
    first.send({ data: 'b' })
    await frame()
    expect([before.mock.calls.length, after.mock.calls.length]).toEqual([1, 1])
    expect(server.requests).toHaveLength(1)
    first.drop()
    await settle()
    vi.advanceTimersByTime(100)
    const second = await server.next()
    expect([first, second].map(({ headers }) => headers.get('authorization'))).toEqual(['old', 'new'])
  })

  it('that are no longer given are forgotten', async () => {
    const onEvent = vi.fn()
    const store = join(undefined, { onEvent })
    const { onEvent: _, ...rest } = store.live
    const request = await server.next()
    store.update(rest as Live)
    request.send({ data: 'a' })
    await frame()
    expect(onEvent).not.toHaveBeenCalled()
    expect(store.getSnapshot().data).toBe('a')
  })

  it('may give the URL by a function, of which the newest is asked', async () => {
    const store = join(undefined, { url: () => `${URL}?token=old` })
    const first = await server.next()
    store.update({ ...store.live, url: async () => `${URL}?token=new` })
    first.drop()
    await settle()
    vi.advanceTimersByTime(100)
    const second = await server.next()
    expect([first.url, second.url]).toEqual([`${URL}?token=old`, `${URL}?token=new`])
  })

  it.each([
    ['url', { url: null }],
    ['url', { url: undefined }],
    ['enabled', { enabled: false }],
  ])('rest without a stream: %s %j', async (_, options) => {
    const store = join(undefined, options)
    store.getSnapshot().reconnect()
    store.getSnapshot().close()
    await settle()
    expect(server.requests).toEqual([])
    expect(store.getSnapshot().state).toBe('closed')
  })

  it('rest and start by enabled: what came is kept, at once', async () => {
    const store = join(undefined, { reduce: (data, event) => `${data}${event.data}`, initial: '' })
    const published: StoreState[] = []
    stores.push({ store, undo: store.subscribe(() => published.push(store.getSnapshot())) })
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await settle()
    store.update({ ...store.live, enabled: false })
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', data: 'a' })
    expect(await first.closed).toBe('aborted')
    store.update({ ...store.live, enabled: false })
    store.getSnapshot().reconnect()
    await settle()
    expect(server.requests).toHaveLength(1)
    store.update({ ...store.live, enabled: true })
    expect(store.getSnapshot()).toMatchObject({ state: 'connecting', data: 'a' })
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    await frame()
    expect(published.map(({ state }) => state)).toContain('closed')
  })
})

describe('an option that changes while the stream is open counts at once', () => {
  it.each<[string, Partial<Live>]>([
    ['text', { until: 'b' }],
    ['function', { until: ({ data }) => data === 'a' }],
  ])('until, as a %s, where there was none', async (_, options) => {
    const store = join(undefined)
    const request = await server.next()
    request.open()
    await settle()
    store.update({ ...store.live, ...options } as Live)
    for (const data of ['a', 'b', 'c']) request.send({ data })
    await settle()
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', data: 'a', error: undefined })
    expect(server.requests).toHaveLength(1)
  })

  it('until, which is another function at each render', async () => {
    const store = join(undefined, { until: ({ data }) => data === 'a' })
    const request = await server.next()
    request.open()
    await settle()
    store.update({ ...store.live, until: ({ data }) => data === 'b' })
    for (const data of ['a', 'b', 'c']) request.send({ data })
    await settle()
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', data: 'b' })
  })

  it('until, whose mistake is reported and ends nothing', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const mistake = new Error('until')
    const store = join(undefined, {
      until() {
        throw mistake
      },
    })
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    expect(report.mock.calls).toEqual([[mistake]])
    expect(store.getSnapshot()).toMatchObject({ state: 'open', data: 'a' })
  })

  it('parse and schemas', async () => {
    const onError = vi.fn()
    const store = join(undefined, { onError })
    const request = await server.next()
    const data = async () => {
      request.send({ data: '1' })
      await frame()
      return store.getSnapshot().data
    }
    const seen = [await data()]
    store.update({ ...store.live, parse: 'json' })
    seen.push(await data())
    store.update({ ...store.live, parse: (text) => `parsed ${text}` })
    seen.push(await data())
    store.update({ ...store.live, parse: undefined, schemas: { message: schema((value) => Number(value) + 1) } })
    seen.push(await data())
    expect(seen).toEqual(['1', 1, 'parsed 1', 2])
    store.update({ ...store.live, schemas: { message: schema(() => undefined) } })
    expect(await data()).toBe(2)
    expect(onError.mock.calls).toMatchObject([[{ code: 'invalid-data', attempt: 1, event: { data: '1' } }]])
    expect(store.getSnapshot().state).toBe('open')
  })

  it('cursor, of which the newest is asked, once for each event', async () => {
    const [before, after] = [vi.fn(() => 'before'), vi.fn(() => 'after')]
    const store = join(undefined, { cursor: before, lastEventIdParam: 'from' })
    const first = await server.next()
    first.send({ data: 'a' })
    await frame()
    expect(store.getSnapshot().lastEventId).toBe('before')
    store.update({ ...store.live, cursor: after })
    first.send({ data: 'b' })
    await frame()
    expect(store.getSnapshot().lastEventId).toBe('after')
    first.drop()
    await wait(100)
    expect((await server.next()).url).toBe(`${URL}?from=after`)
    expect([before, after].map((cursor) => cursor.mock.calls.length)).toEqual([1, 1])
  })

  it.each<[string, Partial<Live>]>([
    ['there were others', {}],
    ['there were none', { retry: undefined }],
    ['there was a function', { retry: () => 100 }],
  ])('the numbers of retry, where %s', async (_, options) => {
    const store = join(undefined, options)
    const first = await server.next()
    first.open()
    await settle()
    store.update({ ...store.live, retry: { base: 700, random: () => 0 } })
    await settle()
    first.drop()
    await settle()
    vi.advanceTimersByTime(16)
    expect(store.getSnapshot()).toMatchObject({ state: 'waiting', delay: 700 })
    vi.advanceTimersByTime(700)
    await server.next()
  })

  it('credentials and other options of fetch that were absent at first', async () => {
    const { fetch: given } = server
    const fetch = vi.fn(given)
    const store = join(undefined, { fetch })
    const first = await server.next()
    store.update({ ...store.live, credentials: 'include', lastEventIdParam: 'from' })
    first.send({ data: 'a', id: '1' })
    first.drop()
    await wait(100)
    const second = await server.next()
    expect(second.url).toBe(`${URL}?from=1`)
    expect(fetch.mock.calls.map(([, init]) => init?.credentials)).toEqual([undefined, 'include'])
  })

  it('signal, of which the newest counts', async () => {
    const [old, newer] = [new AbortController(), new AbortController()]
    const store = join(undefined)
    const request = await server.next()
    for (const { signal } of [old, newer]) {
      store.update({ ...store.live, signal })
      await settle()
    }
    old.abort()
    expect(store.getSnapshot().state).toBe('connecting')
    newer.abort()
    expect(store.getSnapshot().state).toBe('closed')
    expect(await request.closed).toBe('aborted')
    store.getSnapshot().reconnect()
    await settle()
    expect([store.getSnapshot().state, server.requests.length]).toEqual(['closed', 1])
    store.update({ ...store.live, signal: undefined })
    await settle()
    store.getSnapshot().reconnect()
    await server.next()
  })

  it('signal, which is left alone when the stream is', async () => {
    const { signal } = new AbortController()
    const [add, remove] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')]
    const store = join(undefined, { signal })
    await server.next()
    store.update({ ...store.live })
    await settle()
    await leave(store)
    expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 1])
  })

  it('signal, aborted from the start: nothing is asked for', async () => {
    const store = join(undefined, { signal: AbortSignal.abort() })
    await settle()
    expect([store.getSnapshot().state, server.requests.length]).toEqual(['closed', 0])
  })
})

describe('what was saved', () => {
  it('is loaded for the first connection; who comes back knows better where to go on', async () => {
    const resume = { load: vi.fn(() => '1'), save: vi.fn() }
    const store = join(undefined, { resume })
    const first = await server.next()
    expect(first.headers.get('last-event-id')).toBe('1')
    first.send({ data: 'a', id: '2' })
    await settle()
    expect(resume.save.mock.calls.at(-1)).toEqual(['2'])
    store.update({ ...store.live, enabled: false })
    store.update({ ...store.live, enabled: true })
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('2')
    second.send({ data: 'b', id: '3' })
    await settle()
    expect(resume.save.mock.calls.at(-1)).toEqual(['3'])
    expect(resume.load).toHaveBeenCalledTimes(1)
  })
})

describe('stores of one key', () => {
  it('share one connection, all fifty of them, and each sees every event', async () => {
    const all = Array.from({ length: 50 }, () => join('one'))
    const request = await server.next()
    for (const data of ['a', 'b']) request.send({ data })
    await frame()
    expect(server.requests).toHaveLength(1)
    for (const store of all)
      expect(store.getSnapshot()).toMatchObject({ state: 'open', recent: [{ data: 'a' }, { data: 'b' }] })
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
    expect(late.getSnapshot()).toMatchObject({ state: 'open', data: undefined, recent: [] })
    request.send({ data: 'b' })
    await frame()
    expect(late.getSnapshot().recent).toMatchObject([{ data: 'b' }])
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

  it('read each event in ways of their own, and hear of their own mistakes only', async () => {
    const [asText, asJson, bad] = [vi.fn(), vi.fn(), vi.fn()]
    const text = join('one', { onError: asText })
    const json = join('one', { parse: 'json', onError: asJson })
    const checked = join('one', { schemas: { message: schema(() => undefined) }, onError: bad })
    ;(await server.next()).send({ data: '{"price":3}' })
    await frame()
    expect([text, json, checked].map((store) => store.getSnapshot().data)).toEqual([
      '{"price":3}',
      { price: 3 },
      undefined,
    ])
    expect([asText, asJson, bad].map(({ mock }) => mock.calls.length)).toEqual([0, 0, 1])
    expect(server.requests).toHaveLength(1)
  })

  it('read it once where they read it alike', async () => {
    const parse = vi.fn((text: string) => ({ text }))
    const all = Array.from({ length: 5 }, () => join('one', { parse }))
    ;(await server.next()).send({ data: 'a' })
    await frame()
    expect(parse).toHaveBeenCalledTimes(1)
    expect(new Set(all.map((store) => store.getSnapshot().data)).size).toBe(1)
  })

  it('have all the event of which one closes the stream, before they see the end', async () => {
    const published: [state: string, data: unknown][] = []
    const closer = join('one', { onEvent: () => closer.getSnapshot().close() })
    const other = join('one')
    stores.push({
      store: other,
      undo: other.subscribe(() => published.push([other.getSnapshot().state, other.getSnapshot().data])),
    })
    const request = await server.next()
    for (const data of ['a', 'b']) request.send({ data, id: data })
    await settle()
    expect(published.slice(-2)).toEqual([
      ['connecting', 'a'],
      ['closed', 'a'],
    ])
    other.getSnapshot().reconnect()
    expect((await server.next()).headers.get('last-event-id')).toBe('a')
  })

  it('fold no event twice after a pause of all: each knows where it stands', async () => {
    const fold: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '' }
    const [one, two] = [join('one', fold), join('one', fold)]
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    // This one is not published before they rest.
    first.send({ data: 'b', id: '2' })
    await settle()
    for (const store of [one, two]) store.update({ ...store.live, enabled: false } as Live)
    expect([one, two].map((store) => store.getSnapshot())).toMatchObject([
      { data: 'ab', lastEventId: '2' },
      { data: 'ab', lastEventId: '2' },
    ])
    for (const store of [one, two]) store.update({ ...store.live, enabled: true } as Live)
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('2')
    second.send({ data: 'c', id: '3' })
    await frame()
    expect([one, two].map((store) => store.getSnapshot().data)).toEqual(['abc', 'abc'])
    expect(server.requests).toHaveLength(2)
  })

  it('that rested while others went on catch up over a connection of their own, and then share again', async () => {
    const fold: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '' }
    const [resting, other] = [join('one', fold), join('one', fold)]
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    resting.update({ ...resting.live, enabled: false } as Live)
    first.send({ data: 'b', id: '2' })
    await frame()
    resting.update({ ...resting.live, enabled: true } as Live)
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.send({ data: 'b', id: '2' })
    await frame()
    expect([resting, other].map((store) => store.getSnapshot().data)).toEqual(['ab', 'ab'])
    expect(await second.closed).toBe('aborted')
    first.send({ data: 'c', id: '3' })
    await frame()
    expect([resting, other].map((store) => store.getSnapshot())).toMatchObject([
      { data: 'abc', state: 'open' },
      { data: 'abc', state: 'open' },
    ])
  })

  it('are not taken for caught up while one id is that of several events', async () => {
    const fold: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '' }
    const [resting, other] = [join('one', fold), join('one', fold)]
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    resting.update({ ...resting.live, enabled: false } as Live)
    for (const data of ['b', 'c']) first.send({ data, id: '2' })
    await frame()
    resting.update({ ...resting.live, enabled: true } as Live)
    const second = await server.next()
    for (const data of ['b', 'c']) second.send({ data, id: '2' })
    await frame()
    expect([resting, other].map((store) => store.getSnapshot().data)).toEqual(['abc', 'abc'])
    expect(server.live).toBe(1)
  })

  it('may leave while they catch up, and nothing of them stays', async () => {
    const [leaving, other] = [join('one'), join('one')]
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    leaving.update({ ...leaving.live, enabled: false } as Live)
    first.send({ data: 'b', id: '2' })
    await frame()
    leaving.update({ ...leaving.live, enabled: true } as Live)
    const second = await server.next()
    second.open()
    await settle()
    expect(server.live).toBe(2)
    await leave(leaving)
    expect([await second.closed, server.live]).toEqual(['aborted', 1])
    first.send({ data: 'c', id: '3' })
    await frame()
    expect(other.getSnapshot().data).toBe('c')
  })

  it('are all closed and opened again by one, those too that catch up', async () => {
    const fold: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '' }
    const [resting, other] = [join('one', fold), join('one', fold)]
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    resting.update({ ...resting.live, enabled: false } as Live)
    first.send({ data: 'b', id: '2' })
    await frame()
    resting.update({ ...resting.live, enabled: true } as Live)
    await server.next()
    other.getSnapshot().close()
    expect([resting, other].map((store) => store.getSnapshot().state)).toEqual(['closed', 'closed'])
    await settle()
    expect(server.live).toBe(0)
    resting.getSnapshot().reconnect()
    const again = [await server.next(), await server.next()]
    expect(again.map(({ headers }) => headers.get('last-event-id')).sort()).toEqual(['1', '2'])
    for (const request of again) {
      if (request.headers.get('last-event-id') === '1') request.send({ data: 'b', id: '2' })
      request.send({ data: 'c', id: '3' })
    }
    await frame()
    expect([resting, other].map((store) => store.getSnapshot().data)).toEqual(['abc', 'abc'])
    expect(server.live).toBe(1)
  })

  it('may be closed and opened again by a callback, in the middle of an event', async () => {
    const fold: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '' }
    const one = join('one', {
      ...fold,
      until: ({ data }) => data === 'a',
      onEvent({ data }) {
        if (data !== 'a') return
        one.getSnapshot().close()
        one.getSnapshot().reconnect()
      },
    })
    const two = join('one', fold)
    const first = await server.next()
    for (const id of ['a', 'b']) first.send({ data: id, id })
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('a')
    second.send({ data: 'b', id: 'b' })
    await frame()
    expect([one, two].map((store) => store.getSnapshot())).toMatchObject([
      { data: 'ab', state: 'open' },
      { data: 'ab', state: 'open' },
    ])
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

describe('options of stores of one key', () => {
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

  it.each(['onOpen', 'onState', 'onComment', 'onGap'] as const)('hear each of %s, once', async (name) => {
    const [one, two] = [vi.fn(), vi.fn()]
    join('one', { [name]: one, lastEventId: '1' })
    join('one', { [name]: two })
    join('one')
    const request = await server.next()
    request.open({ headers: { 'last-event-id': '0' } })
    request.comment('hello')
    await settle()
    for (const heard of [one, two]) expect(heard).toHaveBeenCalledTimes(1)
  })

  it('hear of errors from the moment on at which they ask for it', async () => {
    const store = join('one')
    const onError = vi.fn()
    const request = await server.next()
    store.update({ ...store.live, onError })
    request.drop()
    await settle()
    expect(onError).toHaveBeenCalledTimes(1)
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

describe('what makes no other stream', () => {
  it.each([
    ['another key', { key: 'other' }],
    ['another URL', { url: 'https://example.test/other' }],
    ['another method', { method: 'QUERY' }],
    ['another body', { body: 'x' }],
    ['no key', { key: undefined }],
  ])('is not %s', async (_, other) => {
    join('one')
    join('one', other)
    await settle()
    expect(server.requests).toHaveLength(2)
  })

  it('is the type of events, nor whether the URL is a string', async () => {
    join('one')
    join('one', { event: 'tick' })
    join('one', { url: new globalThis.URL(URL) })
    await settle()
    expect(server.requests).toHaveLength(1)
  })

  it('is tried without a key: nothing is shared', async () => {
    join(undefined)
    join(undefined)
    await settle()
    expect(server.requests).toHaveLength(2)
  })
})

describe('streamId', () => {
  const live: Live = { url: '/events', key: 'one', method: 'POST', body: 'x', event: 'tick' }

  it('is another one with another URL, key, method, body or type of event', () => {
    const others = [
      { url: '/other' },
      { key: 'two' },
      { method: 'PUT' },
      { body: 'y' },
      { event: 'note' },
      { event: ['tick', 'note'] },
    ]
    const ids = [live, ...others.map((other) => ({ ...live, ...other }))].map((each) => streamId(each as Live))
    expect(new Set(ids).size).toBe(others.length + 1)
  })

  it('is the same for what is written anew at each render', () => {
    const inline = (): Live => ({
      ...live,
      url: () => '/events',
      body: () => 'x',
      event: ['a', 'b'],
      headers: {},
      onEvent() {},
      select: () => 1,
    })
    expect(streamId(inline())).toBe(streamId(inline()))
  })
})
