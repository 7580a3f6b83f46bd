import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Live, StoreState } from '../../../src/client/store/live.ts'
import { createStore, type Store } from '../../../src/client/store/store.ts'
import { createMockServer, type MockServer } from '../../../src/testing/index.ts'

const URL = 'https://example.test/events'
const FRAME = 16
const LINGER = 50

let server: MockServer

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  server = createMockServer()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  expect(server.live).toBe(0)
  vi.useRealTimers()
})

function create(options: Partial<Live> = {}): Store {
  const live = { url: URL, fetch: server.fetch, connectTimeout: 0, retry: { base: 100, random: () => 0 }, ...options }
  return createStore(live as Live)
}
/** Subscribes, and collects each snapshot that is published. */
function watch(store: Store) {
  const published: StoreState[] = []
  const undo = store.subscribe(() => published.push(store.getSnapshot()))
  return { published, undo }
}
/** Lets whatever is under way be read; no faked timer fires. */
async function settle() {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
async function frame() {
  await settle()
  vi.advanceTimersByTime(FRAME)
}
async function leave(undo: () => void) {
  undo()
  vi.advanceTimersByTime(LINGER)
  await settle()
}

describe('life', () => {
  it('opens nothing before somebody subscribes', async () => {
    const store = create()
    await settle()
    expect(server.requests).toEqual([])
    expect(store.getSnapshot()).toMatchObject({ state: 'connecting', data: undefined, event: undefined, recent: [] })
    expect(store.getSnapshot()).toBe(store.getServerSnapshot())
  })

  it('opens a connection with its subscriber, and closes it a moment after it is gone', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    undo()
    vi.advanceTimersByTime(LINGER - 1)
    expect(server.live).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await request.closed).toBe('aborted')
    expect(server.requests).toHaveLength(1)
    expect(store.getSnapshot().state).toBe('closed')
  })

  it('opens exactly one connection when it is subscribed, left and subscribed again at once', async () => {
    const store = create()
    watch(store).undo()
    const { undo } = watch(store)
    await settle()
    vi.advanceTimersByTime(10 * LINGER)
    expect([server.requests.length, server.live]).toEqual([1, 1])
    await leave(undo)
  })

  it('misses nothing while nobody is there for a moment: what came waits, for data and callback alike', async () => {
    const onEvent = vi.fn()
    const store = create({ onEvent, reduce: (data, event) => `${data}${event.data}`, initial: '' })
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ data: 'a' })
    await settle()
    undo()
    request.send({ data: 'b' })
    await settle()
    expect(onEvent).toHaveBeenCalledTimes(1)
    const again = watch(store)
    request.send({ data: 'c' })
    await frame()
    expect(store.getSnapshot().data).toBe('abc')
    expect(onEvent.mock.calls.map(([event]) => event.data)).toEqual(['a', 'b', 'c'])
    await leave(again.undo)
  })

  it('goes on after the last event id when it is subscribed again', async () => {
    const store = create({ reduce: (data, event) => `${data}${event.data}`, initial: '' })
    const { undo } = watch(store)
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    await leave(undo)
    const again = watch(store)
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.send({ data: 'b', id: '2' })
    await frame()
    expect(store.getSnapshot()).toMatchObject({ data: 'ab', lastEventId: '2', recent: [{ data: 'a' }, { data: 'b' }] })
    await leave(again.undo)
  })

  it('stays closed when it is subscribed again after its end, and opens again when it is asked to', async () => {
    const store = create({ method: 'POST', body: 'x', until: '[DONE]' })
    const { undo } = watch(store)
    const first = await server.next()
    for (const data of ['a', '[DONE]']) first.send({ data })
    await frame()
    await leave(undo)
    const again = watch(store)
    store.update({ ...store.live })
    await settle()
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', data: 'a' })
    expect(server.requests).toHaveLength(1)
    store.update({ ...store.live, enabled: false })
    store.update({ ...store.live, enabled: true })
    await server.next()
    expect(store.getSnapshot()).toMatchObject({ state: 'connecting', data: undefined })
    await leave(again.undo)
  })

  it('tries again when it is subscribed to again after a failure', async () => {
    const store = create({ retry: false })
    const { undo } = watch(store)
    ;(await server.next()).status(403)
    await settle()
    await vi.advanceTimersByTimeAsync(2000)
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', error: { status: 403 } })
    await leave(undo)
    const again = watch(store)
    ;(await server.next()).send({ data: 'a' })
    await frame()
    expect(store.getSnapshot()).toMatchObject({ state: 'open', data: 'a', error: undefined })
    await leave(again.undo)
  })

  it.each<[string, Partial<Live>]>([
    ['a body', { body: 'x', method: 'POST', retry: undefined }],
    ['an unsafe method', { method: 'DELETE', retry: undefined }],
  ])('does not try again by itself what has %s, which may cost money', async (_, options) => {
    const store = create(options)
    const { undo } = watch(store)
    ;(await server.next()).drop()
    await settle()
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', error: { code: 'network' } })
    await leave(undo)
    const again = watch(store)
    await settle()
    expect(server.requests).toHaveLength(1)
    store.getSnapshot().reconnect()
    await server.next()
    await leave(again.undo)
  })

  it('begins anew after an end without an id: it is another answer', async () => {
    const store = create({ until: '[DONE]', reduce: (data, event) => `${data}${event.data}`, initial: '' })
    const { undo } = watch(store)
    for (const [turn, data] of ['a', 'b'].entries()) {
      if (turn) store.getSnapshot().reconnect()
      const request = await server.next()
      for (const each of [data, '[DONE]']) request.send({ data: each })
      await settle()
      expect(store.getSnapshot()).toMatchObject({ state: 'closed', data })
    }
    await leave(undo)
  })

  it('begins anew when the request has a body: each answer is another one', async () => {
    const text: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '', lastEventId: '0' }
    const store = create({ method: 'POST', body: 'x', ...text })
    const { undo } = watch(store)
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    await leave(undo)
    expect(store.getSnapshot().data).toBe('a')
    const again = watch(store)
    expect(store.getSnapshot()).toMatchObject({ data: '', event: undefined, recent: [], state: 'connecting' })
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('0')
    await leave(again.undo)
  })

  it.each([
    ['never gave one', undefined],
    ['took the one of the options back', '0'],
  ])(
    'goes on without an id as after a cut where the server %s: what came cannot come again',
    async (_, lastEventId) => {
      const store = create({ reduce: (data, event) => `${data}${event.data}`, initial: '', lastEventId })
      const { undo } = watch(store)
      const first = await server.next()
      expect(first.headers.get('last-event-id')).toBe(lastEventId ?? null)
      first.send({ data: 'a', id: '' })
      await frame()
      await leave(undo)
      const again = watch(store)
      expect(store.getSnapshot()).toMatchObject({ data: 'a', recent: [{ data: 'a' }], state: 'connecting' })
      const second = await server.next()
      expect(second.headers.get('last-event-id')).toBe(null)
      second.send({ data: 'b' })
      await frame()
      expect(store.getSnapshot().data).toBe('ab')
      await leave(again.undo)
    },
  )
})

describe('linger', () => {
  it.each([
    [undefined, LINGER],
    [0, 0],
    [2000, 2000],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  ])('%s keeps the connection for %i ms', async (linger, time) => {
    const store = create({ linger })
    const { undo } = watch(store)
    await server.next()
    undo()
    if (time) vi.advanceTimersByTime(time - 1)
    expect([server.live, vi.getTimerCount()]).toEqual([1, 1])
    vi.advanceTimersByTime(1)
    await settle()
    expect(server.live).toBe(0)
  })

  it('is undone once, however often one leaves', async () => {
    const store = create()
    const { undo } = watch(store)
    await server.next()
    undo()
    const again = watch(store)
    undo()
    vi.advanceTimersByTime(10 * LINGER)
    await settle()
    expect(server.live).toBe(1)
    await leave(again.undo)
  })

  it('keeps what waited when nobody came in time, for who comes later', async () => {
    const onEvent = vi.fn()
    const store = create({ onEvent, reduce: (data, event) => `${data}${event.data}`, initial: '' })
    const { undo } = watch(store)
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    undo()
    first.send({ data: 'b', id: '2' })
    await settle()
    vi.advanceTimersByTime(LINGER)
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', data: 'a' })
    const again = watch(store)
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('2')
    second.send({ data: 'c', id: '3' })
    await frame()
    expect(store.getSnapshot().data).toBe('abc')
    expect(onEvent.mock.calls.map(([event]) => event.data)).toEqual(['a', 'b', 'c'])
    await leave(again.undo)
  })

  it('shows the end that came meanwhile after what came before it', async () => {
    const store = create({ method: 'POST', body: 'x', until: '[DONE]' })
    const { undo } = watch(store)
    const request = await server.next()
    request.open()
    await frame()
    undo()
    for (const data of ['a', '[DONE]']) request.send({ data })
    await settle()
    vi.advanceTimersByTime(LINGER)
    const again = watch(store)
    await frame()
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', data: 'a' })
    expect(server.requests).toHaveLength(1)
    await leave(again.undo)
  })

  it('ends early at 10,000 events that wait', async () => {
    const store = create({ linger: 60_000, reduce: (count) => (count as number) + 1, initial: 0 })
    const { undo } = watch(store)
    const request = await server.next()
    request.open()
    await frame()
    undo()
    request.write(Array.from({ length: 10_001 }, (_, index) => `id: ${index + 1}\ndata\n\n`).join(''))
    await settle()
    expect([server.live, vi.getTimerCount()]).toEqual([0, 0])
    const again = watch(store)
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('10000')
    await frame()
    expect(store.getSnapshot().data).toBe(10_000)
    store.update({ ...store.live, linger: 0 } as Live)
    await leave(again.undo)
  })
})

describe('keepData', () => {
  it('shows what another store showed until an event of its own comes', async () => {
    const fold: Partial<Live> = { reduce: (data, event) => `${data}${event.data}`, initial: '' }
    const old = create(fold)
    const one = watch(old)
    ;(await server.next()).send({ data: 'old', id: '7' })
    await frame()
    await leave(one.undo)
    const store = createStore({ ...old.live, url: `${URL}?2` } as Live, old)
    expect(store.getServerSnapshot()).toMatchObject({ data: '', recent: [] })
    const { undo } = watch(store)
    const request = await server.next()
    expect(request.headers.get('last-event-id')).toBe(null)
    request.open()
    await frame()
    expect(store.getSnapshot()).toMatchObject({
      state: 'open',
      data: 'old',
      event: { data: 'old' },
      recent: [{ data: 'old' }],
      lastEventId: '',
    })
    request.send({ data: 'new' })
    await frame()
    expect(store.getSnapshot()).toMatchObject({ data: 'new', recent: [{ data: 'new' }] })
    await leave(undo)
  })
})

describe('snapshots', () => {
  it('are replaced, never changed, and stay the same between publishes', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    const before = store.getSnapshot()
    const copy = structuredClone({ ...before, reconnect: 0, close: 0, stop: 0 })
    request.send({ data: 'b' })
    await settle()
    expect(store.getSnapshot()).toBe(before)
    await frame()
    expect(store.getSnapshot()).not.toBe(before)
    expect({ ...before, reconnect: 0, close: 0, stop: 0 }).toEqual(copy)
    await leave(undo)
  })

  it('keep the list of events where none came', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    const { recent } = store.getSnapshot()
    request.drop()
    await frame()
    expect(store.getSnapshot()).toMatchObject({ state: 'waiting', delay: 100, error: { code: 'network' } })
    expect(store.getSnapshot().recent).toBe(recent)
    await leave(undo)
  })

  it('show the last event, its data, its id and the newest events', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ type: 'tick', data: 'a', id: '1' })
    request.send({ data: 'b', id: '2' })
    await frame()
    expect(store.getSnapshot()).toMatchObject({
      state: 'open',
      data: 'b',
      event: { type: 'message', data: 'b', id: '2' },
      recent: [{ data: 'a' }, { data: 'b' }],
      lastEventId: '2',
    })
    await leave(undo)
  })

  it('are published once for 10,000 events of one frame, and each event was reduced and called back', async () => {
    const onEvent = vi.fn()
    const store = create({ onEvent, reduce: (count) => (count as number) + 1, initial: 0 })
    const { published, undo } = watch(store)
    const request = await server.next()
    request.open()
    await frame()
    published.length = 0
    request.write(Array.from({ length: 10_000 }, (_, index) => `data: ${index}\n\n`).join(''))
    await frame()
    expect(published).toHaveLength(1)
    expect(published[0]).toMatchObject({ data: 10_000, event: { data: '9999' } })
    expect(onEvent).toHaveBeenCalledTimes(10_000)
    await leave(undo)
  })

  it.each([
    [undefined, 100],
    [3, 3],
    [0, 0],
    [Number.POSITIVE_INFINITY, 250],
  ])('keep the newest events: with max %s there are %i of 250', async (max, length) => {
    const store = create({ max })
    const { undo } = watch(store)
    const request = await server.next()
    for (const part of [0, 1]) {
      for (let index = 0; index < 125; index++) request.send({ data: `${part * 125 + index}` })
      await frame()
    }
    const { recent } = store.getSnapshot()
    expect(recent).toHaveLength(length)
    expect(recent.map(({ data }) => data)).toEqual(Array.from({ length }, (_, index) => `${250 - length + index}`))
    await leave(undo)
  })

  it('lose the oldest events as soon as fewer are kept', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    for (const data of ['a', 'b', 'c']) request.send({ data })
    await frame()
    store.update({ ...store.live, max: 1 } as Live)
    await frame()
    expect(store.getSnapshot()).toMatchObject({ data: 'c', recent: [{ data: 'c' }] })
    expect(store.getSnapshot().recent).toHaveLength(1)
    await leave(undo)
  })

  it('have the last event in the list of the newest', async () => {
    const store = create()
    const { undo } = watch(store)
    ;(await server.next()).send({ data: 'a text of more than thirteen characters' })
    await frame()
    const { event, recent, data } = store.getSnapshot()
    expect(recent[0]).toBe(event)
    expect(data).toBe(event?.data)
    await leave(undo)
  })

  it('hold up no other store by a listener that throws, whose error is reported', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const mistake = new Error('listener')
    const [bad, good] = [create(), create()]
    const undo = bad.subscribe(() => {
      throw mistake
    })
    const other = watch(good)
    for (const _ of [bad, good]) (await server.next()).send({ data: 'a' })
    await frame()
    expect(good.getSnapshot().data).toBe('a')
    expect(report).toHaveBeenCalledWith(mistake)
    await leave(undo)
    await leave(other.undo)
  })

  it('show what came last before they show the end', async () => {
    const store = create({ until: '[DONE]', method: 'POST', body: 'x' })
    const { published } = watch(store)
    const request = await server.next()
    request.open()
    await frame()
    request.send({ data: 'last' })
    request.send({ data: '[DONE]' })
    await settle()
    expect(published.slice(-2)).toMatchObject([
      { state: 'open', data: 'last' },
      { state: 'closed', data: 'last', error: undefined },
    ])
    await frame()
  })

  it('show an event whose callback closed the stream before they show the end', async () => {
    const store = create({ onEvent: ({ data }) => data === 'b' && store.getSnapshot().close() })
    const { published, undo } = watch(store)
    const request = await server.next()
    for (const data of ['a', 'b', 'c']) request.send({ data })
    await settle()
    expect(published.slice(-2)).toMatchObject([
      { state: 'connecting', data: 'b' },
      { state: 'closed', data: 'b' },
    ])
    await leave(undo)
  })

  it('go on after a reducer that throws, whose error is reported', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const mistake = new Error('reduce')
    const onEvent = vi.fn()
    const store = create({
      onEvent,
      initial: 0,
      reduce(count, event) {
        if (event.data === 'bad') throw mistake
        return (count as number) + 1
      },
    })
    const { undo } = watch(store)
    const request = await server.next()
    for (const data of ['a', 'bad', 'b']) request.send({ data })
    await frame()
    expect(report.mock.calls).toEqual([[mistake]])
    expect(store.getSnapshot()).toMatchObject({ data: 2, event: { data: 'b' } })
    expect(onEvent).toHaveBeenCalledTimes(3)
    await leave(undo)
  })
})

describe('types of events', () => {
  it.each([
    ['one', { event: 'tick' }, ['1']],
    ['several', { event: ['tick', 'note'] }, ['1', '2']],
    ['the same one twice', { event: ['tick', 'tick'] }, ['1']],
    ['none', {}, ['1', '2', '3']],
    ['an empty list', { event: [] }, []],
  ])('are chosen by event: %s', async (_, options, expected) => {
    const store = create(options)
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ type: 'tick', data: '1' })
    request.send({ type: 'note', data: '2' })
    request.send({ data: '3' })
    await frame()
    expect(store.getSnapshot().recent.map(({ data }) => data)).toEqual(expected)
    await leave(undo)
  })

  it('that nobody listens to are not read, and cannot be refused', async () => {
    const onError = vi.fn()
    const store = create({ event: 'tick', parse: 'json', onError })
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ type: 'ping', data: '' })
    request.send({ type: 'tick', data: '{"price":3}' })
    await frame()
    expect(store.getSnapshot().data).toEqual({ price: 3 })
    expect(onError).not.toHaveBeenCalled()
    await leave(undo)
  })
})

describe('frames', () => {
  let frames: (() => void)[]
  let page: { hidden: boolean; addEventListener(): void; removeEventListener(): void; baseURI: string }

  beforeEach(() => {
    frames = []
    page = { hidden: false, addEventListener() {}, removeEventListener() {}, baseURI: URL }
    vi.stubGlobal('document', page)
    vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run))
  })
  const paint = () => {
    for (const run of frames.splice(0)) run()
  }

  it('are what a page publishes with, all stores in the first of them', async () => {
    const stores = [create(), create()]
    const watched = stores.map(watch)
    for (const _ of stores) (await server.next()).send({ data: 'a' })
    await settle()
    expect([frames.length, vi.getTimerCount()]).toEqual([2, 0])
    expect(watched.map(({ published }) => published.length)).toEqual([0, 0])
    frames.shift()?.()
    expect(stores.map((store) => store.getSnapshot().data)).toEqual(['a', 'a'])
    paint()
    expect(watched.map(({ published }) => published.length)).toEqual([1, 1])
    for (const { undo } of watched) await leave(undo)
  })

  it('hold up nobody else if one never comes', async () => {
    const lost = create()
    const { undo } = watch(lost)
    ;(await server.next()).send({ data: 'a' })
    await settle()
    frames.length = 0
    const store = create()
    const other = watch(store)
    ;(await server.next()).send({ data: 'b' })
    await settle()
    paint()
    expect([lost, store].map((each) => each.getSnapshot().data)).toEqual(['a', 'b'])
    await leave(undo)
    await leave(other.undo)
  })

  it('are not waited for by a hidden page, even if one was asked for before', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    request.send({ data: 'a' })
    await settle()
    expect(frames).toHaveLength(1)
    page.hidden = true
    request.send({ data: 'b' })
    await frame()
    expect(store.getSnapshot().data).toBe('b')
    page.hidden = false
    request.send({ data: 'c' })
    await settle()
    paint()
    expect(store.getSnapshot().data).toBe('c')
    await leave(undo)
  })
})

describe('reconnect and close', () => {
  it('reconnect makes a new attempt at once', async () => {
    const store = create()
    const { undo } = watch(store)
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    store.getSnapshot().reconnect()
    const second = await server.next()
    expect(await first.closed).toBe('aborted')
    expect(second.headers.get('last-event-id')).toBe('1')
    await leave(undo)
  })

  it('reconnect begins again after a failure, and keeps what came', async () => {
    const store = create()
    const { undo } = watch(store)
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    first.drop()
    await settle()
    vi.advanceTimersByTime(100)
    ;(await server.next()).status(401)
    await settle()
    await vi.advanceTimersByTimeAsync(2000)
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', error: { code: 'status', status: 401 } })
    store.getSnapshot().reconnect()
    const third = await server.next()
    expect(third.headers.get('last-event-id')).toBe('1')
    third.open()
    await frame()
    expect(store.getSnapshot()).toMatchObject({ state: 'open', error: undefined, data: 'a' })
    await leave(undo)
  })

  it('close ends it until reconnect', async () => {
    const store = create()
    const { undo } = watch(store)
    const request = await server.next()
    store.getSnapshot().close()
    expect(store.getSnapshot().state).toBe('closed')
    expect(await request.closed).toBe('aborted')
    store.update({ ...store.live })
    await settle()
    expect(server.requests).toHaveLength(1)
    store.getSnapshot().reconnect()
    await server.next()
    await leave(undo)
  })
})
