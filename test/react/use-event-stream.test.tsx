import * as React from 'react'
import { act, Profiler, Suspense, startTransition, useState, version } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { StreamDefaults, useEventStream } from '../../src/react/index.ts'
import { server, URL, warnings } from '../helpers/component.ts'
import { frame } from '../helpers/frame.ts'
import { live, type Page, render } from '../helpers/react.tsx'

let page: Page | undefined

afterEach(async () => {
  await page?.unmount()
  page = undefined
})

/** Shows what there is, with options that are written anew at each render. */
function Stream({ url = URL as string | null, on = {} as object }) {
  const { data, state, recent } = useEventStream(url, { fetch: server.fetch, headers: {}, onError() {}, ...on })
  return (
    <p>
      {state} {`${data}`} {recent.length}
    </p>
  )
}

describe(`useEventStream in React ${version}`, () => {
  it('shows the state of the connection and what came', async () => {
    page = await render(<Stream />)
    expect(page.text).toBe('connecting undefined 0')
    const request = await server.next()
    request.send({ data: 'a' })
    request.send({ data: 'b' })
    await page.frame()
    expect(page.text).toBe('open b 2')
  })

  it('throws a mistake in its options while it renders, so that the nearest boundary shows it', async () => {
    class Boundary extends React.Component<{ children: React.ReactNode }, { error?: Error }> {
      override state: { error?: Error } = {}
      static getDerivedStateFromError(error: Error) {
        return { error }
      }
      override render() {
        return this.state.error?.message ?? this.props.children
      }
    }
    for (const [on, message] of [
      [{ onerror() {} }, 'the stream has no "onerror": did you mean onError?'],
      [{ max: 'many' }, 'the stream: max must be a number, 0 or more, not "many"'],
    ] as const) {
      page = await render(
        <Boundary>
          <Stream on={on} />
        </Boundary>,
      )
      expect(page.text).toBe(message)
      await page.unmount()
    }
    page = await render(
      <Boundary>
        <Stream url="ws://example.test" on={{ fetch: undefined }} />
      </Boundary>,
    )
    expect(page.text).toContain('begins with ws:')
    // React itself tells of what a boundary caught.
    warnings.mockClear()
  })

  it('gives all there is to know, and a hand on the connection', async () => {
    const seen: ReturnType<typeof useEventStream>[] = []
    function Everything() {
      seen.push(useEventStream(URL, { fetch: server.fetch, retry: { base: 10_000, random: () => 0 } }))
      return null
    }
    page = await render(<Everything />)
    const first = await server.next()
    first.send({ type: 'tick', data: 'a', id: '1' })
    await page.frame()
    expect(seen.at(-1)).toEqual({
      data: 'a',
      event: { type: 'tick', data: 'a', id: '1' },
      recent: [{ type: 'tick', data: 'a', id: '1' }],
      state: 'open',
      attempt: 1,
      delay: undefined,
      error: undefined,
      lastEventId: '1',
      outcome: undefined,
      reconnect: expect.any(Function),
      close: expect.any(Function),
      stop: expect.any(Function),
    })
    first.drop()
    await page.frame()
    expect(seen.at(-1)).toMatchObject({ state: 'waiting', delay: 10_000, error: { code: 'network' } })
    await act(async () => seen.at(-1)?.reconnect())
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.open()
    await page.frame()
    expect(seen.at(-1)).toMatchObject({ state: 'open', error: undefined })
    await act(async () => seen.at(-1)?.close())
    expect(seen.at(-1)).toMatchObject({ state: 'closed', data: 'a' })
    expect(new Set(seen.map(({ reconnect }) => reconnect)).size).toBe(1)
  })

  describe('opens exactly one connection', () => {
    it('under StrictMode', async () => {
      page = await render(<Stream />, { strict: true })
      const request = await server.next()
      request.send({ data: 'a' })
      await page.frame()
      expect(page.text).toBe('open a 1')
      expect([server.requests.length, server.live]).toEqual([1, 1])
    })

    it('for inline options, headers and callbacks, whatever is rendered', async () => {
      const onEvent = vi.fn()
      const turns = Array.from({ length: 20 }, (_, turn) => (
        <Stream
          key="same"
          on={{ onEvent: () => onEvent(turn), headers: { turn: `${turn}` }, event: ['message'], retry: { base: 10 } }}
        />
      ))
      page = await render(turns[0], { strict: true })
      for (const turn of turns) await page.render(turn)
      ;(await server.next()).send({ data: 'a' })
      await page.frame()
      expect(onEvent.mock.calls).toEqual([[19]])
      expect([server.requests.length, server.live]).toEqual([1, 1])
    })

    it('for fifty components of one key', async () => {
      const seen = vi.fn()
      page = await render(
        Array.from({ length: 50 }, (_, index) => <Stream key={index} on={{ key: 'one', onEvent: seen }} />),
        { strict: true },
      )
      const request = await server.next()
      request.send({ data: 'a' })
      await page.frame()
      expect(page.text).toBe('open a 1'.repeat(50))
      expect(seen).toHaveBeenCalledTimes(50)
      expect(server.requests).toHaveLength(1)
    })

    it('when it is unmounted and mounted again at once', async () => {
      page = await render(<Stream key="a" on={{ key: 'one' }} />)
      await page.render(<Stream key="b" on={{ key: 'one' }} />)
      await page.frame()
      expect([server.requests.length, server.live]).toEqual([1, 1])
    })

    it('after a hot reload, in which the module is evaluated again', async () => {
      page = await render(<Stream />, { strict: true })
      await page.frame()
      vi.resetModules()
      const again = await import('../../src/react/index.ts')
      expect(again.useEventStream).not.toBe(useEventStream)
      function Reloaded() {
        const { data } = again.useEventStream(URL, { fetch: server.fetch })
        return <p>{data}</p>
      }
      await page.render(<Reloaded />)
      ;(server.requests.at(-1) as (typeof server.requests)[0]).send({ data: 'a' })
      await page.until(() => page?.text === 'a' && server.live === 1)
      expect(server.requests).toHaveLength(2)
    })
  })

  describe('reconnects for a change of', () => {
    it.each<[string, object, object]>([
      ['url', {}, { url: 'https://example.test/other' }],
      ['method', {}, { on: { method: 'POST' } }],
      ['body', { on: { method: 'POST', body: 'a' } }, { on: { method: 'POST', body: 'b' } }],
      ['key', { on: { key: 'a' } }, { on: { key: 'b' } }],
      ['event', { on: { event: 'a' } }, { on: { event: 'b' } }],
    ])('%s, and shows nothing of the old stream', async (_, before, after) => {
      page = await render(<Stream {...before} />)
      const first = await server.next()
      first.send({ type: 'a', data: 'old' })
      await page.frame()
      expect(page.text).toBe('open old 1')
      await page.render(<Stream {...after} />)
      expect(page.text).toBe('connecting undefined 0')
      const second = await server.next()
      expect(await first.closed).toBe('aborted')
      second.send({ type: 'b', data: 'new' })
      await page.frame()
      expect(page.text).toBe('open new 1')
    })

    it('enabled: false rests and keeps what came, true goes on', async () => {
      page = await render(<Stream on={{ enabled: true }} />)
      const first = await server.next()
      first.send({ data: 'a', id: '1' })
      await page.frame()
      await page.render(<Stream on={{ enabled: false }} />)
      expect(page.text).toBe('closed a 1')
      expect(await first.closed).toBe('aborted')
      await page.render(<Stream on={{ enabled: true }} />)
      expect((await server.next()).headers.get('last-event-id')).toBe('1')
      expect(page.text).toBe('connecting a 1')
    })

    it('url: null rests', async () => {
      page = await render(<Stream url={null} />, { strict: true })
      expect([page.text, server.requests.length]).toEqual(['closed undefined 0', 0])
      await page.render(<Stream />)
      const request = await server.next()
      await page.render(<Stream url={null} />)
      expect(await request.closed).toBe('aborted')
      expect(page.text).toBe('closed undefined 0')
    })
  })

  it('keepData: another URL shows what came of the last one until its own first event', async () => {
    const on = { keepData: true }
    page = await render(<Stream on={on} />, { strict: true })
    const first = await server.next()
    first.send({ data: 'old' })
    await page.frame()
    await page.render(<Stream url="https://example.test/other" on={on} />)
    expect(page.text).toBe('connecting old 1')
    const second = await server.next()
    second.open()
    await page.frame()
    expect(page.text).toBe('open old 1')
    second.send({ data: 'new' })
    await page.frame()
    expect(page.text).toBe('open new 1')
    expect(await first.closed).toBe('aborted')
    expect(server.requests).toHaveLength(2)
  })

  it('takes fewer events, another way to read them and another callback at once', async () => {
    const onEvent = vi.fn()
    page = await render(<Stream />)
    const request = await server.next()
    for (const data of ['1', '2']) request.send({ data })
    await page.frame()
    await page.render(<Stream on={{ max: 1, parse: (text: string) => `number ${text}`, onEvent }} />)
    await page.frame()
    expect(page.text).toBe('open 2 1')
    request.send({ data: '3' })
    await page.frame()
    expect(page.text).toBe('open number 3 1')
    expect(onEvent.mock.calls).toMatchObject([[{ data: 'number 3' }]])
    expect(server.requests).toHaveLength(1)
  })

  describe('StreamDefaults', () => {
    it('gives options to all below it, of which the nearest and the own count more', async () => {
      const headers = { who: 'outer' }
      page = await render(
        <StreamDefaults options={{ headers, max: 5 }}>
          <Stream on={{ headers: undefined }} />
          <StreamDefaults options={{ headers: { who: 'inner' }, max: undefined }}>
            <Stream on={{ headers: undefined, key: 'inner' }} />
            <Stream on={{ headers: { who: 'own' }, key: 'own', max: 1 }} />
          </StreamDefaults>
        </StreamDefaults>,
        { strict: true },
      )
      await page.frame()
      expect(server.requests.map(({ headers }) => headers.get('who'))).toEqual(['outer', 'inner', 'own'])
      for (const request of server.requests) for (let count = 0; count < 9; count++) request.send({ data: 'x' })
      await page.frame()
      expect(page.text).toBe('open x 5open x 5open x 1')
    })

    it('changes them without a new connection', async () => {
      const show = (who: string) => (
        <StreamDefaults options={{ headers: { who }, retry: { base: 10, random: () => 0 } }}>
          <Stream on={{ headers: undefined }} />
        </StreamDefaults>
      )
      page = await render(show('old'))
      const first = await server.next()
      await page.render(show('new'))
      expect(server.requests).toHaveLength(1)
      first.drop()
      await page.until(() => server.requests.length === 2)
      expect(server.requests[1]?.headers.get('who')).toBe('new')
    })

    it('renders on a server', () => {
      const html = renderToString(
        <StreamDefaults options={{ enabled: false }}>
          <Stream />
        </StreamDefaults>,
      )
      expect(html).toContain('closed')
    })
  })

  it('calls back once for each event under StrictMode, those too that came between two mounts', async () => {
    const onEvent = vi.fn()
    function Fold() {
      const { data } = useEventStream(URL, {
        fetch: server.fetch,
        key: 'fold',
        reduce: (text: string, event) => text + event.data,
        initial: '',
        onEvent: ({ data }) => onEvent(data),
      })
      return <p>{data}</p>
    }
    page = await render(<Fold key="a" />, { strict: true })
    const request = await server.next()
    request.send({ data: 'a' })
    await page.frame()
    expect(page.text).toBe('a')
    expect(onEvent.mock.calls).toEqual([['a']])
  })

  describe('loses no event to rendering', () => {
    it('and renders a burst of 10,000 at most once per frame', async () => {
      const onRender = vi.fn()
      const onEvent = vi.fn()
      function Count() {
        const { data } = useEventStream<Record<string, string>, string, number>(URL, {
          fetch: server.fetch,
          reduce: (count) => count + 1,
          initial: 0,
          onEvent,
        })
        return <p>{data}</p>
      }
      page = await render(
        <Profiler id="count" onRender={onRender}>
          <Count />
        </Profiler>,
      )
      const request = await server.next()
      request.open()
      await page.frame()
      onRender.mockClear()
      let frames = 0
      await live(async () => {
        for (let part = 0; part < 100; part++) {
          request.write('data: x\n\n'.repeat(100))
          if (part % 10) continue
          frames++
          await new Promise(requestAnimationFrame)
        }
        await frame()
      })
      expect(page.text).toBe('10000')
      expect(onEvent).toHaveBeenCalledTimes(10_000)
      expect(onRender.mock.calls.length).toBeGreaterThan(1)
      expect(onRender.mock.calls.length).toBeLessThanOrEqual(frames + 1)
    })

    it('while a transition of 10,000 rows is under way, which is finished nevertheless', async () => {
      let filter!: (value: number) => void
      const seen = new Set<string>()
      function Row({ index, count }: { index: number; count: number }) {
        return <i>{index === 0 ? count : ''}</i>
      }
      function Rows() {
        const [value, setValue] = useState(0)
        filter = setValue
        const { data } = useEventStream<Record<string, string>, string, number>(URL, {
          fetch: server.fetch,
          key: 'rows',
          reduce: (count) => count + 1,
          initial: 0,
        })
        const twin = useEventStream<Record<string, string>, string, number>(URL, {
          fetch: server.fetch,
          key: 'rows',
          reduce: (count) => count + 1,
          initial: 0,
        })
        seen.add(`${data === twin.data}`)
        return (
          <>
            {Array.from({ length: value }, (_, index) => (
              <Row key={index} index={index} count={data} />
            ))}
            <b>{data}</b>
          </>
        )
      }
      page = await render(<Rows />)
      const request = await server.next()
      await live(async () => {
        startTransition(() => filter(10_000))
        for (let part = 0; part < 100; part++) {
          request.write('data: x\n\n'.repeat(100))
          if (part % 10 === 0) await frame()
        }
        const done = () => page?.text.endsWith('10000') && page.container.querySelectorAll('i').length === 10_000
        while (!done()) await frame()
      })
      expect(page.container.querySelector('i')?.textContent).toBe('10000')
      expect([...seen]).toEqual(['true'])
    }, 30_000)

    it('and shows the last one before it shows the end', async () => {
      const seen: string[] = []
      function Tokens() {
        const { data, state } = useEventStream<Record<string, string>, string, string>(URL, {
          fetch: server.fetch,
          method: 'POST',
          body: '{"prompt":"hello"}',
          reduce: (text, event) => text + event.data,
          initial: '',
          until: '[DONE]',
        })
        seen.push(`${state} ${data}`)
        return null
      }
      page = await render(<Tokens />)
      const request = await server.next()
      expect([request.method, request.body]).toEqual(['POST', '{"prompt":"hello"}'])
      for (const data of ['Hel', 'lo', '[DONE]']) request.send({ data })
      await page.frame()
      expect(seen.at(-1)).toBe('closed Hello')
      expect(seen.filter((each) => each.startsWith('closed') && each !== 'closed Hello')).toEqual([])
    })
  })

  describe('what it is given', () => {
    it('is selected from at each render', async () => {
      function Price({ of }: { of: 'a' | 'b' }) {
        const { data } = useEventStream(URL, {
          fetch: server.fetch,
          parse: 'json',
          select: (data) => (data as { a: number; b: number } | undefined)?.[of],
        })
        return <p>{`${data}`}</p>
      }
      page = await render(<Price of="a" />)
      expect(page.text).toBe('undefined')
      ;(await server.next()).send({ data: { a: 1, b: 2 } })
      await page.frame()
      expect(page.text).toBe('1')
      await page.render(<Price of="b" />)
      expect(page.text).toBe('2')
      expect(server.requests).toHaveLength(1)
    })

    it('is asked for the errors, once each', async () => {
      const onError = vi.fn()
      page = await render(<Stream on={{ onError }} />)
      ;(await server.next()).status(403)
      await page.until(() => page?.text === 'closed undefined 0')
      expect(onError.mock.calls).toMatchObject([[{ code: 'status', status: 403 }]])
    })
  })

  it('says which fetch to pass where the one there is cannot stream, as in React Native', async () => {
    const bodiless = async () =>
      ({ status: 200, ok: true, url: URL, headers: new Headers({ 'content-type': 'text/event-stream' }) }) as Response
    function Native() {
      const { state, error } = useEventStream(URL, { fetch: bodiless })
      return (
        <p>
          {state} {error?.code} {error?.message}
        </p>
      )
    }
    page = await render(<Native />)
    await page.frame()
    expect(page.text).toMatch(/^closed no-body .*expo\/fetch/)
  })

  describe('on a server', () => {
    it('renders the first snapshot and opens nothing', async () => {
      expect(renderToString(<Stream />)).toContain('connecting')
      expect(renderToString(<Stream url={null} />)).toContain('closed')
      expect(renderToString(<Stream on={{ key: 'one', enabled: false }} />)).toContain('closed')
      await new Promise((resolve) => setTimeout(resolve, 10))
      expect(server.requests).toEqual([])
    })

    it('hydrates without a warning, and connects then', async () => {
      const container = document.body.appendChild(document.createElement('main'))
      container.innerHTML = renderToString(<Stream />)
      const onRecoverableError = vi.fn()
      let root!: ReturnType<typeof hydrateRoot>
      await act(async () => {
        root = hydrateRoot(container, <Stream />, { onRecoverableError })
      })
      ;(await server.next()).send({ data: 'a' })
      await act(frame)
      expect(container.textContent).toBe('open a 1')
      expect(onRecoverableError).not.toHaveBeenCalled()
      await act(async () => root.unmount())
      container.remove()
    })
  })

  describe('below a Suspense boundary', () => {
    function suspender() {
      let done = false
      let resolve!: () => void
      const promise = new Promise<void>((settle) => {
        resolve = () => {
          done = true
          settle()
        }
      })
      // Throwing the promise is what both Reacts understand.
      const Wait = () => {
        if (!done) throw promise
        return <b>there</b>
      }
      return { Wait, resolve }
    }

    it('opens nothing before it is shown, and exactly one connection then', async () => {
      const { Wait, resolve } = suspender()
      page = await render(
        <Suspense fallback="wait">
          <Stream />
          <Wait />
        </Suspense>,
        { strict: true },
      )
      await page.frame()
      expect([page.text, server.requests.length]).toEqual(['wait', 0])
      await act(async () => resolve())
      ;(await server.next()).send({ data: 'a' })
      await page.frame()
      expect(page.text).toBe('open a 1there')
      expect([server.requests.length, server.live]).toEqual([1, 1])
    })

    it('keeps its connection and its events while it is hidden by the fallback', async () => {
      const { Wait, resolve } = suspender()
      page = await render(
        <Suspense fallback="wait">
          <Stream />
        </Suspense>,
      )
      const request = await server.next()
      await page.render(
        <Suspense fallback="wait">
          <Stream />
          <Wait />
        </Suspense>,
      )
      request.send({ data: 'a' })
      await page.frame()
      expect(page.text).toContain('wait')
      await act(async () => resolve())
      await page.frame()
      expect(page.text).toBe('open a 1there')
      expect([server.requests.length, server.live]).toEqual([1, 1])
    })
  })

  // React 18 has no Activity.
  const itWithActivity = 'Activity' in React ? it : () => {}
  itWithActivity('rests in a hidden Activity, and goes on after the last event when it is shown', async () => {
    const { Activity } = React
    page = await render(
      <Activity mode="visible">
        <Stream />
      </Activity>,
    )
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await page.frame()
    await page.render(
      <Activity mode="hidden">
        <Stream />
      </Activity>,
    )
    expect(await first.closed).toBe('aborted')
    await page.render(
      <Activity mode="visible">
        <Stream />
      </Activity>,
    )
    const second = await server.next()
    expect(second.headers.get('last-event-id')).toBe('1')
    second.send({ data: 'b', id: '2' })
    await page.frame()
    expect(page.text).toBe('open b 2')
  })

  it('leaves nothing behind: no connection, timer, frame or listener', async () => {
    page = await render(<p />)
    const heard: string[] = []
    const listeners = new Set<unknown>()
    for (const target of [globalThis, document]) {
      const { addEventListener, removeEventListener } = target
      vi.spyOn(target, 'addEventListener').mockImplementation((type, listener, options) => {
        heard.push(type)
        listeners.add(listener)
        addEventListener.call(target, type, listener, options)
      })
      vi.spyOn(target, 'removeEventListener').mockImplementation((type, listener, options) => {
        listeners.delete(listener)
        removeEventListener.call(target, type, listener, options)
      })
    }
    const timers = new Set<unknown>()
    const { setTimeout, clearTimeout, requestAnimationFrame } = globalThis
    vi.stubGlobal('setTimeout', (run: () => void, ...rest: []) => {
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          run()
        },
        ...rest,
      )
      timers.add(timer)
      return timer
    })
    vi.stubGlobal('clearTimeout', (timer: never) => {
      timers.delete(timer)
      clearTimeout(timer)
    })
    vi.stubGlobal('requestAnimationFrame', (run: (now: number) => void) => {
      const mark = {}
      timers.add(mark)
      return requestAnimationFrame((now) => {
        timers.delete(mark)
        run(now)
      })
    })
    await page.render(<Stream />)
    const request = await server.next()
    request.send({ data: 'a' })
    await page.frame()
    request.send({ data: 'b' })
    await page.render(<p />)
    expect(await request.closed).toBe('aborted')
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(heard).toContain('visibilitychange')
    expect(listeners.size).toBe(0)
    expect(timers.size).toBe(0)
  })
})
