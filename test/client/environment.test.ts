import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ConnectOptions, connect } from '../../src/index.ts'
import { createMockServer, type MockRequest } from '../../src/testing/index.ts'

// A page as far as the connection knows one; the browsers' own are driven elsewhere.

let page: EventTarget & { visibilityState: string }
let world: EventTarget

function fire(target: EventTarget, type: string, properties: object = {}) {
  target.dispatchEvent(Object.assign(new Event(type), properties))
}
function look(visibilityState: string) {
  page.visibilityState = visibilityState
  fire(page, 'visibilitychange')
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0)
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  world = new EventTarget()
  vi.stubGlobal('document', page)
  for (const name of ['addEventListener', 'removeEventListener'] as const)
    vi.stubGlobal(name, (...args: Parameters<EventTarget['addEventListener']>) => world[name](...args))
})
afterEach(async () => {
  for (const close of open.splice(0)) close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount(), 'timers that were left').toBe(0)
  vi.useRealTimers()
})

const open: (() => void)[] = []

async function start(options: ConnectOptions = {}, onRequest = (request: MockRequest) => request.open()) {
  const server = createMockServer({ onRequest })
  const states: string[] = []
  const connection = connect('https://sse.test/', {
    ...(options as { parse?: undefined; schemas?: undefined }),
    fetch: server.fetch,
    onState: ({ state }) => void states.push(state),
  })
  open.push(() => connection.close())
  await vi.advanceTimersByTimeAsync(0)
  return { server, connection, states }
}

describe('offline', () => {
  it('waits as long as the policy ever does, and online tries at once', async () => {
    vi.stubGlobal('navigator', { onLine: false })
    const { server, connection } = await start({}, (request) => request.drop())
    expect(connection.snapshot).toMatchObject({ state: 'waiting', delay: 30_000 })
    await vi.advanceTimersByTimeAsync(29_000)
    expect(server.requests).toHaveLength(1)
    vi.stubGlobal('navigator', { onLine: true })
    fire(world, 'online')
    await vi.advanceTimersByTimeAsync(0)
    expect(server.requests).toHaveLength(2)
    expect(connection.snapshot).toMatchObject({ state: 'waiting', delay: 1000 })
  })
  it('is not believed for ever: a machine without a network may reach its own server', async () => {
    vi.stubGlobal('navigator', { onLine: false })
    const { server } = await start({}, (request) => request.drop())
    expect(server.requests).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(server.requests).toHaveLength(2)
  })
  it('does not touch a stream that is open', async () => {
    const { server, states } = await start()
    fire(world, 'offline')
    fire(world, 'online')
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['open'])
    expect(server.requests).toHaveLength(1)
  })
})

describe('a page of the back/forward cache', () => {
  it('lets go when it leaves, and comes back when it is shown again', async () => {
    const { states } = await start()
    fire(world, 'pagehide', { persisted: true })
    expect(states).toEqual(['open', 'paused'])
    await vi.advanceTimersByTimeAsync(60_000)
    fire(world, 'pageshow', { persisted: true })
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['open', 'paused', 'connecting', 'open'])
  })
  it('that leaves for good is left alone', async () => {
    const { states } = await start()
    fire(world, 'pagehide', { persisted: false })
    expect(states).toEqual(['open'])
  })
  it('stays paused where it was the caller who paused', async () => {
    const { connection, states } = await start()
    connection.pause()
    fire(world, 'pagehide', { persisted: true })
    fire(world, 'pageshow', { persisted: true })
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['open', 'paused'])
  })
})

describe('a page that is left', () => {
  it('saves no id any more: what its listeners were at fails because the page goes, and is not handled', async () => {
    const save = vi.fn()
    let fail = (_: Error) => {}
    const { connection, server } = await start({ resume: { save } }, (request) => {
      request.open()
      request.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\n')
    })
    expect(server.requests).toHaveLength(1)
    save.mockClear()
    vi.stubGlobal('reportError', () => {})
    connection.on(() => new Promise<void>((_, reject) => (fail = reject)))
    server.requests[0]?.write('id: 3\ndata: c\n\n')
    await vi.advanceTimersByTimeAsync(0)
    fire(world, 'pagehide', { persisted: false })
    // As the browser ends a request that a listener made.
    fail(new TypeError('Failed to fetch'))
    await vi.advanceTimersByTimeAsync(0)
    expect(save).not.toHaveBeenCalled()
    fire(world, 'pageshow', { persisted: true })
    expect(save.mock.calls).toEqual([['3']])
  })
})

describe('what may not be repeated', () => {
  const posts: ConnectOptions = { method: 'POST', body: '{}', pauseWhenHidden: { after: 0 } }

  it('is left alone by a page that leaves for the back/forward cache, is hidden, and comes back', async () => {
    const { server, states } = await start(posts)
    fire(world, 'pagehide', { persisted: true })
    look('hidden')
    await vi.advanceTimersByTimeAsync(60_000)
    fire(world, 'pageshow', { persisted: true })
    look('visible')
    fire(world, 'online')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([states, server.requests.length]).toEqual([['open'], 1])
  })
  it('is not even where a request is safe but its caller wants none to be repeated', async () => {
    const { server } = await start({ retry: false })
    fire(world, 'pagehide', { persisted: true })
    fire(world, 'pageshow', { persisted: true })
    await vi.advanceTimersByTimeAsync(1000)
    expect(server.requests).toHaveLength(1)
  })
  it('is repeated where the caller says that it may be, or does it', async () => {
    const { server } = await start({ ...posts, retry: true })
    fire(world, 'pagehide', { persisted: true })
    fire(world, 'pageshow', { persisted: true })
    await vi.advanceTimersByTimeAsync(0)
    expect(server.requests).toHaveLength(2)
    const other = await start(posts)
    other.connection.pause()
    other.connection.unpause()
    await vi.advanceTimersByTimeAsync(0)
    expect(other.server.requests).toHaveLength(2)
  })
})

describe('each reason to pause', () => {
  it('ends by itself: the caller’s pause outlives the page’s return', async () => {
    const { connection, states } = await start({ pauseWhenHidden: { after: 0 } })
    look('hidden')
    await vi.advanceTimersByTimeAsync(1)
    connection.pause()
    look('visible')
    fire(world, 'pagehide', { persisted: true })
    fire(world, 'pageshow', { persisted: true })
    await vi.advanceTimersByTimeAsync(1000)
    expect(states).toEqual(['open', 'paused'])
    connection.unpause()
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['open', 'paused', 'connecting', 'open'])
  })
  it('holds by itself: a hidden page stays paused where the caller no longer pauses', async () => {
    const { connection, states } = await start({ pauseWhenHidden: { after: 0 } })
    connection.pause()
    look('hidden')
    await vi.advanceTimersByTimeAsync(1)
    connection.unpause()
    await vi.advanceTimersByTimeAsync(1000)
    expect(states).toEqual(['open', 'paused'])
    look('visible')
    await vi.advanceTimersByTimeAsync(0)
    expect(states.at(-1)).toBe('open')
  })
  it('is overruled by reconnect, which somebody asks for by name', async () => {
    const { connection, states } = await start({ pauseWhenHidden: { after: 0 } })
    look('hidden')
    await vi.advanceTimersByTimeAsync(1)
    connection.reconnect()
    await vi.advanceTimersByTimeAsync(0)
    expect(states.at(-1)).toBe('open')
  })
})

describe('waking', () => {
  const ask = (headers: HeadersInit) => (request: MockRequest) => request.status(503, headers)

  it('leaves what the server asked for: ten looks are one request', async () => {
    const { server } = await start({}, ask({ 'retry-after': '60' }))
    for (let looks = 0; looks < 10; looks++) {
      look('hidden')
      await vi.advanceTimersByTimeAsync(50)
      look('visible')
      fire(world, 'online')
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(server.requests).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(58_990)
    expect(server.requests).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(20)
    expect(server.requests).toHaveLength(2)
  })
  it('cuts off what lies above that, whether it comes before or after', async () => {
    const longer: ConnectOptions = { retry: { random: () => 1 } }
    const { server, connection } = await start(longer, ask({ 'retry-after': '5' }))
    expect(connection.snapshot.delay).toBeGreaterThan(20_000)
    look('visible')
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.requests).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(server.requests).toHaveLength(2)
    look('visible')
    await vi.advanceTimersByTimeAsync(0)
    expect(server.requests).toHaveLength(3)
  })
  it('undoes no pause that cut the wait short', async () => {
    const { server, connection } = await start({}, (request) => request.drop())
    connection.pause()
    look('visible')
    await vi.advanceTimersByTimeAsync(10_000)
    expect([connection.state, server.requests.length]).toEqual(['paused', 1])
  })
})

describe('a hidden page', () => {
  it('is paused also where it was hidden from the start', async () => {
    page.visibilityState = 'hidden'
    const { states } = await start({ pauseWhenHidden: { after: 5000 } })
    await vi.advanceTimersByTimeAsync(5000)
    expect(states).toEqual(['open', 'paused'])
    look('visible')
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['open', 'paused', 'connecting', 'open'])
  })
  it('keeps its connection', async () => {
    const { states } = await start()
    look('hidden')
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(states).toEqual(['open'])
  })
  it('is paused after a while where it is asked for, and resumes when it is seen', async () => {
    const { states } = await start({ pauseWhenHidden: { after: 5000 } })
    look('hidden')
    await vi.advanceTimersByTimeAsync(4999)
    expect(states).toEqual(['open'])
    await vi.advanceTimersByTimeAsync(1)
    expect(states).toEqual(['open', 'paused'])
    look('visible')
    await vi.advanceTimersByTimeAsync(0)
    expect(states).toEqual(['open', 'paused', 'connecting', 'open'])
  })
  it('that is seen again in time never noticed', async () => {
    const { states, server } = await start({ pauseWhenHidden: { after: 5000 } })
    for (let times = 0; times < 20; times++) {
      look('hidden')
      await vi.advanceTimersByTimeAsync(4000)
      look('visible')
    }
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states).toEqual(['open'])
    expect(server.requests).toHaveLength(1)
  })
  it('flickering fast never makes two live connections', async () => {
    const { server } = await start({ pauseWhenHidden: { after: 0 } })
    for (let times = 0; times < 50; times++) {
      look('hidden')
      await vi.advanceTimersByTimeAsync(times % 3)
      look('visible')
      for (let ticks = 0; ticks < times % 7; ticks++) await Promise.resolve()
      expect(server.live).toBeLessThanOrEqual(1)
    }
    await vi.advanceTimersByTimeAsync(100)
    expect(server.live).toBe(1)
  })
  it('that wakes while it waits does not wait on', async () => {
    const { server } = await start({}, (request) => request.drop())
    expect(server.requests).toHaveLength(1)
    look('visible')
    await vi.advanceTimersByTimeAsync(0)
    expect(server.requests).toHaveLength(2)
  })
})

describe('all of it', () => {
  it('ends with the connection', async () => {
    const { connection, states } = await start({ pauseWhenHidden: { after: 10 } })
    look('hidden')
    connection.close()
    await vi.advanceTimersByTimeAsync(100)
    fire(world, 'online')
    fire(world, 'pageshow', { persisted: true })
    look('visible')
    await vi.advanceTimersByTimeAsync(100)
    expect(states).toEqual(['open', 'closed'])
  })
  it('is fatal nowhere where the page takes no signals of ours, as a document of jsdom’s beside Node', async () => {
    page.addEventListener = (...[type, listener, options]: Parameters<EventTarget['addEventListener']>) => {
      if (options) throw new TypeError("parameter 3 dictionary has member 'signal' that is not of type 'AbortSignal'")
      EventTarget.prototype.addEventListener.call(page, type, listener)
    }
    const { states } = await start({ signal: new AbortController().signal })
    expect(states).toEqual(['open'])
  })
  it('is fatal nowhere where it is absent, or only half there', async () => {
    for (const half of [undefined, {}, { addEventListener: undefined }]) {
      vi.stubGlobal('document', half)
      vi.stubGlobal('addEventListener', undefined)
      vi.stubGlobal('navigator', undefined)
      const { states, connection } = await start({ pauseWhenHidden: { after: 10 } })
      expect(states).toEqual(['open'])
      connection.close()
    }
  })
})
