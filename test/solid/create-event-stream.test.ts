import { createEffect, createMemo, createRoot, createSignal } from 'solid-js'
import { describe, expect, it, vi } from 'vitest'
import { createEventStream } from '../../src/solid/index.ts'
import { leave, leaveBy, server, URL } from '../helpers/component.ts'
import { frame } from '../helpers/frame.ts'

/** Runs a setup with an owner of its own, as a component has one, and keeps what its text was. */
function show(setup: () => () => string): string[] {
  const texts: string[] = []
  createRoot((dispose) => {
    const text = setup()
    createEffect(() => texts.push(text()))
    leaveBy(dispose)
  })
  return texts
}

describe('createEventStream in Solid', () => {
  it('shows the state of the connection and what came', async () => {
    const texts = show(() => {
      const stream = createEventStream(URL, { fetch: server.fetch })
      return () => `${stream.state} ${stream.data} ${stream.recent.length}`
    })
    expect(texts).toEqual(['connecting undefined 0'])
    const request = await server.next()
    request.send({ data: 'a' })
    request.send({ data: 'b' })
    await frame()
    expect(texts.at(-1)).toBe('open b 2')
    expect(server.requests).toHaveLength(1)
  })

  it('publishes a burst of 10,000 once, and each event was reduced and called back', async () => {
    const onEvent = vi.fn()
    const texts = show(() => {
      const stream = createEventStream<Record<string, string>, string, number>(URL, {
        fetch: server.fetch,
        reduce: (count) => count + 1,
        initial: 0,
        onEvent,
      })
      const data = createMemo(() => stream.data)
      return () => `${data()}`
    })
    const request = await server.next()
    request.open()
    await frame()
    texts.length = 0
    request.write('data: x\n\n'.repeat(10_000))
    await frame()
    expect(texts).toEqual(['10000'])
    expect(onEvent).toHaveBeenCalledTimes(10_000)
  })

  it('takes URL and options as accessors: another URL is another stream, other options are not', async () => {
    const [url, setUrl] = createSignal<string | undefined>(undefined)
    const [token, setToken] = createSignal('a')
    const texts = show(() => {
      const stream = createEventStream(url, () => ({ fetch: server.fetch, headers: { authorization: token() } }))
      return () => stream.state
    })
    await frame()
    expect(server.requests).toEqual([])
    setUrl(URL)
    const first = await server.next()
    first.open()
    await frame()
    expect(texts).toEqual(['closed', 'connecting', 'open'])
    setToken('b')
    await frame()
    expect(server.requests).toHaveLength(1)
    setUrl(`${URL}/other`)
    const second = await server.next()
    expect(second.url).toBe(`${URL}/other`)
    expect(second.headers.get('authorization')).toBe('b')
    expect(await first.closed).toBe('aborted')
  })

  it('a function of the attempt is asked again for each, and is the same stream', async () => {
    show(() => {
      const stream = createEventStream(({ attempt }) => `${URL}?attempt=${attempt}`, {
        fetch: server.fetch,
        retry: { base: 1, longest: 5 },
      })
      return () => stream.state
    })
    const first = await server.next()
    first.status(503)
    const second = await server.next()
    expect([first.url, second.url]).toEqual([`${URL}?attempt=1`, `${URL}?attempt=2`])
    second.open()
    await frame()
  })

  it('closes, reconnects, and keeps these where they were taken apart', async () => {
    let parts: { close(): void; reconnect(): void } | undefined
    const texts = show(() => {
      const stream = createEventStream(URL, { fetch: server.fetch })
      const { close, reconnect } = stream
      parts = { close, reconnect }
      return () => stream.state
    })
    const request = await server.next()
    request.open()
    await frame()
    parts?.close()
    await frame()
    expect(texts.at(-1)).toBe('closed')
    parts?.reconnect()
    const again = await server.next()
    again.open()
    await frame()
    expect(texts.at(-1)).toBe('open')
  })

  it('leaves nothing behind when its owner goes', async () => {
    show(() => {
      const stream = createEventStream(URL, { fetch: server.fetch })
      return () => stream.state
    })
    const request = await server.next()
    await leave()
    expect(await request.closed).toBe('aborted')
  })

  it('shares one connection where a key says so', async () => {
    const texts = show(() => {
      const options = { fetch: server.fetch, key: 'shared' }
      const [one, two] = [createEventStream(URL, options), createEventStream(URL, options)]
      return () => `${one.data} ${two.data}`
    })
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    expect(texts.at(-1)).toBe('a a')
    expect(server.requests).toHaveLength(1)
  })

  it('tells of an option that cannot be meant', () => {
    expect(() => createRoot(() => createEventStream(URL, { max: -1 }))).toThrow(/max/)
  })
})
