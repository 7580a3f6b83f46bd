import { flushSync, hydrate, mount, unmount } from 'svelte'
import { render } from 'svelte/server'
import { fromStore, get, writable } from 'svelte/store'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventStream } from '../../src/svelte/index.ts'
import { EventStream } from '../../src/svelte/runes.ts'
import { server, URL } from '../helpers/component.ts'
import { frame as oneFrame } from '../helpers/frame.ts'
import Runes from './Runes.svelte'
import RunesOnServer from './Runes.svelte?server'
import Store from './Store.svelte'
import StoreOnServer from './Store.svelte?server'

afterEach(() => document.body.replaceChildren())

async function frame() {
  await oneFrame()
  flushSync()
}

/** Both ways to show a stream, in the same component but for that. */
describe.each([
  ['eventStream', Store, (options: object) => ({ stream: eventStream(URL, options) })],
  ['EventStream', Runes, (options: object) => ({ url: URL, options })],
])('%s in a component', (_, Component, props) => {
  function show(options = {}) {
    const target = document.body.appendChild(document.createElement('main'))
    const app = mount(Component, { target, props: props({ fetch: server.fetch, ...options }) })
    return { target, leave: () => unmount(app) }
  }

  it('shows the state of the connection and what came', async () => {
    const { target, leave } = show()
    expect(target.textContent).toBe('connecting  0')
    const request = await server.next()
    request.send({ data: 'a' })
    request.send({ data: 'b' })
    await frame()
    expect(target.textContent).toBe('open b 2')
    expect(server.requests).toHaveLength(1)
    await leave()
    expect(await request.closed).toBe('aborted')
  })

  it('loses no event of a burst of 10,000', async () => {
    const onEvent = vi.fn()
    const { target, leave } = show({ reduce: (count: number) => count + 1, initial: 0, onEvent })
    const request = await server.next()
    request.write('data: x\n\n'.repeat(10_000))
    await frame()
    expect(target.textContent).toBe('open 10000 100')
    expect(onEvent).toHaveBeenCalledTimes(10_000)
    await leave()
  })
})

describe('eventStream', () => {
  it('is a store by the contract: connected while it is subscribed to, the value at once', async () => {
    const stream = eventStream(URL, { fetch: server.fetch })
    await frame()
    expect(server.requests).toEqual([])
    const [one, two] = [vi.fn(), vi.fn()]
    const undos = [stream.subscribe(one), stream.subscribe(two)]
    expect(one.mock.calls).toMatchObject([[{ state: 'connecting' }]])
    const request = await server.next()
    request.send({ data: 'a', id: '1' })
    await frame()
    for (const run of [one, two]) expect(run.mock.lastCall).toMatchObject([{ state: 'open', data: 'a' }])
    expect(server.requests).toHaveLength(1)
    for (const undo of undos) undo()
    expect(await request.closed).toBe('aborted')
    const undo = stream.subscribe(one)
    expect((await server.next()).headers.get('last-event-id')).toBe('1')
    undo()
  })

  it('tries again for those who come after a failure', async () => {
    const stream = eventStream(URL, { fetch: server.fetch, retry: false })
    const states: string[] = []
    const undo = stream.subscribe(({ state }) => states.push(state))
    ;(await server.next()).status(500)
    while (states.at(-1) !== 'closed') await frame()
    undo()
    await new Promise((resolve) => setTimeout(resolve, 60))
    const again = stream.subscribe(({ state }) => states.push(state))
    ;(await server.next()).open()
    await frame()
    expect(states.at(-1)).toBe('open')
    again()
  })

  it('has a hand on the connection in its value', async () => {
    const stream = eventStream(URL, { fetch: server.fetch })
    const undo = stream.subscribe(() => {})
    const first = await server.next()
    get(stream).close()
    expect(await first.closed).toBe('aborted')
    expect(get(stream).state).toBe('closed')
    get(stream).reconnect()
    ;(await server.next()).open()
    await frame()
    expect(get(stream).state).toBe('open')
    undo()
  })
})

describe('EventStream', () => {
  it('is another one with another URL', async () => {
    const target = document.body.appendChild(document.createElement('main'))
    const url = writable(URL)
    const current = fromStore(url)
    const options = { fetch: server.fetch }
    const app = mount(Runes, {
      target,
      props: {
        get url() {
          return current.current
        },
        options,
      },
    })
    const first = await server.next()
    first.send({ data: 'a' })
    await frame()
    url.set(`${URL}?2`)
    flushSync()
    expect(target.textContent).toBe('connecting  0')
    expect((await server.next()).url).toBe(`${URL}?2`)
    expect(await first.closed).toBe('aborted')
    await unmount(app)
  })

  it('opens nothing where nobody reads it', async () => {
    const stream = new EventStream(URL, { fetch: server.fetch })
    expect([stream.state, stream.data, stream.recent, stream.lastEventId]).toEqual(['connecting', undefined, [], ''])
    expect([stream.event, stream.error, stream.delay, stream.attempt]).toEqual([undefined, undefined, undefined, 1])
    stream.reconnect()
    stream.close()
    await frame()
    expect(server.requests).toEqual([])
  })
})

describe('on a server', () => {
  it('renders the first snapshot, opens nothing there, and hydrates without a warning', async () => {
    vi.stubGlobal('document', undefined)
    const options = { fetch: server.fetch }
    const stream = eventStream(URL, options)
    const pages = [
      render(StoreOnServer, { props: { stream } }).body,
      render(RunesOnServer, { props: { url: URL, options } }).body,
    ]
    vi.unstubAllGlobals()
    await frame()
    expect(server.requests).toEqual([])
    for (const [index, body] of pages.entries()) {
      const target = document.body.appendChild(document.createElement('main'))
      target.innerHTML = body
      expect(target.textContent).toBe('connecting  0')
      const app = index
        ? hydrate(Runes, { target, props: { url: URL, options } })
        : hydrate(Store, { target, props: { stream } })
      ;(await server.next()).send({ data: 'a' })
      await frame()
      expect(target.textContent).toBe('open a 1')
      await unmount(app)
    }
  })
})
