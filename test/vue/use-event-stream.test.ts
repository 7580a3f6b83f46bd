import { describe, expect, it, vi } from 'vitest'
import {
  createApp,
  createSSRApp,
  defineComponent,
  effectScope,
  h,
  KeepAlive,
  nextTick,
  ref,
  shallowRef,
  watch,
} from 'vue'
import { renderToString } from 'vue/server-renderer'
import { provideStreamDefaults, useEventStream } from '../../src/vue/index.ts'
import { leave, leaveBy, server, URL } from '../helpers/component.ts'
import { frame as oneFrame } from '../helpers/frame.ts'

async function frame() {
  await oneFrame()
  await nextTick()
}
/** Mounts a component with this setup, and shows what it returns. */
function mount(setup: () => () => string) {
  const container = document.body.appendChild(document.createElement('main'))
  const app = createApp(
    defineComponent(() => {
      const text = setup()
      return () => h('p', text())
    }),
  )
  app.mount(container)
  leaveBy(() => {
    app.unmount()
    container.remove()
  })
  return container
}

describe('useEventStream in Vue', () => {
  it('shows the state of the connection and what came', async () => {
    const page = mount(() => {
      const { state, data, recent } = useEventStream(URL, { fetch: server.fetch })
      return () => `${state.value} ${data.value} ${recent.value.length}`
    })
    expect(page.textContent).toBe('connecting undefined 0')
    const request = await server.next()
    request.send({ data: 'a' })
    request.send({ data: 'b' })
    await frame()
    expect(page.textContent).toBe('open b 2')
    expect(server.requests).toHaveLength(1)
  })

  it('tells of each publish with a new event, equal ones too, and with all parts of the same moment', async () => {
    const seen: unknown[] = []
    mount(() => {
      const { event, data, lastEventId } = useEventStream(URL, { fetch: server.fetch })
      watch(event, () => seen.push([event.value?.data, data.value, lastEventId.value]), { flush: 'sync' })
      return () => ''
    })
    const request = await server.next()
    for (const id of ['1', '2']) {
      request.send({ data: 'same', id })
      await frame()
    }
    expect(seen).toEqual([
      ['same', 'same', '1'],
      ['same', 'same', '2'],
    ])
  })

  it('publishes a burst of 10,000 once, and each event was reduced and called back', async () => {
    const onEvent = vi.fn()
    const renders = vi.fn()
    const page = mount(() => {
      const { data } = useEventStream<Record<string, string>, string, number>(URL, {
        fetch: server.fetch,
        reduce: (count) => count + 1,
        initial: 0,
        onEvent,
      })
      return () => {
        renders()
        return `${data.value}`
      }
    })
    const request = await server.next()
    request.open()
    await frame()
    renders.mockClear()
    request.write('data: x\n\n'.repeat(10_000))
    await frame()
    expect(page.textContent).toBe('10000')
    expect(onEvent).toHaveBeenCalledTimes(10_000)
    expect(renders).toHaveBeenCalledTimes(1)
  })

  it('takes URL and options as refs and getters: another URL reconnects, other options do not', async () => {
    const url = ref<string | null>(null)
    const token = ref('old')
    const factor = ref(1)
    const page = mount(() => {
      const { data, state } = useEventStream(url, () => ({
        fetch: server.fetch,
        headers: { authorization: token.value },
        retry: { base: 10, random: () => 0 },
        parse: 'json' as const,
        select: (data: unknown) => (data as number) * factor.value,
      }))
      return () => `${state.value} ${data.value}`
    })
    await frame()
    expect([page.textContent, server.requests.length]).toEqual(['closed NaN', 0])
    url.value = URL
    const first = await server.next()
    token.value = 'new'
    await frame()
    first.send({ data: 2 })
    await frame()
    expect(page.textContent).toBe('open 2')
    factor.value = 3
    await frame()
    expect(page.textContent).toBe('open 6')
    first.drop()
    const second = await server.next()
    expect([first, second].map(({ headers }) => headers.get('authorization'))).toEqual(['old', 'new'])
    url.value = `${URL}?2`
    const third = await server.next()
    expect(third.url).toBe(`${URL}?2`)
    expect(await second.closed).toBe('aborted')
    url.value = null
    await frame()
    expect(await third.closed).toBe('aborted')
    expect(page.textContent).toBe('closed NaN')
    expect(server.requests).toHaveLength(3)
  })

  it('rests and goes on by enabled, and keeps what came', async () => {
    const enabled = ref(true)
    const page = mount(() => {
      const { data, state } = useEventStream(URL, () => ({ fetch: server.fetch, enabled: enabled.value }))
      return () => `${state.value} ${data.value}`
    })
    const first = await server.next()
    first.send({ data: 'a', id: '1' })
    await frame()
    enabled.value = false
    await frame()
    expect(page.textContent).toBe('closed a')
    expect(await first.closed).toBe('aborted')
    enabled.value = true
    expect((await server.next()).headers.get('last-event-id')).toBe('1')
    await frame()
    expect(page.textContent).toBe('connecting a')
  })

  it('shares one connection among all of a key', async () => {
    const page = mount(() => {
      const all = Array.from({ length: 10 }, () => useEventStream(URL, { fetch: server.fetch, key: 'one' }))
      return () => all.map(({ data }) => data.value).join('')
    })
    ;(await server.next()).send({ data: 'a' })
    await frame()
    expect(page.textContent).toBe('aaaaaaaaaa')
    expect(server.requests).toHaveLength(1)
  })

  it('gives a hand on the connection', async () => {
    let stream!: ReturnType<typeof useEventStream>
    mount(() => {
      stream = useEventStream(URL, { fetch: server.fetch })
      return () => ''
    })
    const first = await server.next()
    stream.close()
    expect(await first.closed).toBe('aborted')
    expect(stream.state.value).toBe('closed')
    stream.reconnect()
    ;(await server.next()).open()
    await frame()
    expect(stream.state.value).toBe('open')
  })

  it('belongs to its scope, also outside of a component', async () => {
    const scope = effectScope()
    const { data } = scope.run(() => useEventStream(URL, { fetch: server.fetch })) as ReturnType<typeof useEventStream>
    const request = await server.next()
    request.send({ data: 'a' })
    await frame()
    expect(data.value).toBe('a')
    scope.stop()
    expect(await request.closed).toBe('aborted')
  })

  describe('in a KeepAlive', () => {
    /** A page that is left and shown by `shown`. */
    function keepAlive(shown: { value: boolean }, on: object = {}) {
      const Stream = defineComponent(() => {
        const fold = { reduce: (text: string, { data }: { data: string }) => text + data, initial: '' }
        const { data, state } = useEventStream(URL, { fetch: server.fetch, ...fold, ...on })
        return () => h('p', `${state.value} ${data.value}`)
      })
      const container = document.createElement('main')
      const app = createApp(defineComponent(() => () => h(KeepAlive, null, () => (shown.value ? h(Stream) : null))))
      app.mount(container)
      leaveBy(() => app.unmount())
      return container
    }

    it('disconnects when its page is left, and goes on after the last event when it is shown', async () => {
      const shown = shallowRef(true)
      const page = keepAlive(shown)
      const first = await server.next()
      first.send({ data: 'a', id: '1' })
      await frame()
      shown.value = false
      await nextTick()
      expect(await first.closed).toBe('aborted')
      shown.value = true
      const second = await server.next()
      expect(second.headers.get('last-event-id')).toBe('1')
      second.send({ data: 'b', id: '2' })
      await frame()
      expect(page.textContent).toBe('open ab')
      expect([server.requests.length, server.live]).toEqual([2, 1])
    })

    it('keeps its connection where it is shown again in time', async () => {
      const shown = shallowRef(true)
      const page = keepAlive(shown, { linger: 1000 })
      const request = await server.next()
      shown.value = false
      await frame()
      request.send({ data: 'a' })
      await frame()
      shown.value = true
      await frame()
      expect(page.textContent).toBe('open a')
      expect([server.requests.length, server.live]).toEqual([1, 1])
      await leave()
      await new Promise((resolve) => setTimeout(resolve, 1000))
    })
  })

  it('selects in the first render already, and on a server', async () => {
    const App = defineComponent(() => {
      const { data } = useEventStream(URL, { fetch: server.fetch, select: (text) => text?.length ?? 'none' })
      return () => h('p', `${data.value}`)
    })
    expect(await renderToString(createSSRApp(App))).toBe('<p>none</p>')
    const seen: unknown[] = []
    const page = mount(() => {
      const { data } = useEventStream(URL, { fetch: server.fetch, select: (text) => text?.length ?? 'none' })
      return () => {
        seen.push(data.value)
        return `${data.value}`
      }
    })
    expect(seen).toEqual(['none'])
    ;(await server.next()).send({ data: 'abc' })
    await frame()
    expect(page.textContent).toBe('3')
  })

  describe('takes a function as URL', () => {
    it('asks it anew for each attempt, with what is known of it', async () => {
      mount(() => {
        const options = { fetch: server.fetch, retry: { base: 10, random: () => 0 } }
        const { state } = useEventStream(({ attempt, lastEventId }) => `${URL}?${attempt}-${lastEventId}`, options)
        return () => state.value
      })
      const first = await server.next()
      first.send({ data: 'a', id: '7' })
      await frame()
      first.drop()
      expect([first.url, (await server.next()).url]).toEqual([`${URL}?1-`, `${URL}?2-7`])
    })

    it('that may be asynchronous', async () => {
      const page = mount(() => {
        const { state } = useEventStream(async () => `${URL}?async`, { fetch: server.fetch })
        return () => state.value
      })
      const request = await server.next()
      request.open()
      await frame()
      expect([page.textContent, request.url]).toEqual(['open', `${URL}?async`])
    })

    it.each<[string, () => string | Promise<string>]>([
      [
        'throws',
        () => {
          throw new Error('not yet')
        },
      ],
      ['rejects', () => Promise.reject(new Error('not yet'))],
    ])('that %s: setup goes on, here and on a server, and the attempt tells it', async (_, url) => {
      const onError = vi.fn()
      const setup = () => {
        const { state, error } = useEventStream(url, { fetch: server.fetch, onError })
        return () => `${state.value} ${error.value?.code}`
      }
      const page = mount(setup)
      expect(page.textContent).toBe('connecting undefined')
      await frame()
      expect(page.textContent).toBe('waiting request')
      expect(onError.mock.calls).toMatchObject([[{ code: 'request', cause: { message: 'not yet' } }]])
      const App = defineComponent(() => {
        const text = setup()
        return () => h('p', text())
      })
      expect(await renderToString(createSSRApp(App))).toBe('<p>connecting undefined</p>')
    })

    it('that throws until what it reads is there', async () => {
      const user = shallowRef<{ id: string }>()
      const page = mount(() => {
        const { state } = useEventStream(() => `${URL}?${(user.value as { id: string }).id}`, { fetch: server.fetch })
        return () => state.value
      })
      await frame()
      expect([page.textContent, server.requests.length]).toEqual(['waiting', 0])
      user.value = { id: '5' }
      const request = await server.next()
      request.open()
      await frame()
      expect([page.textContent, request.url]).toEqual(['open', `${URL}?5`])
    })
  })

  it('keepData: another URL shows what came of the last one until its own first event', async () => {
    const url = ref(URL)
    const page = mount(() => {
      const { data, state } = useEventStream(url, { fetch: server.fetch, keepData: true })
      return () => `${state.value} ${data.value}`
    })
    ;(await server.next()).send({ data: 'old' })
    await frame()
    url.value = `${URL}?2`
    const second = await server.next()
    second.open()
    await frame()
    expect(page.textContent).toBe('open old')
    second.send({ data: 'new' })
    await frame()
    expect(page.textContent).toBe('open new')
  })

  it('has defaults from the app and from components above, of which the nearest and the own count more', async () => {
    const who = ref('app')
    const Stream = defineComponent({
      props: ['own'],
      setup({ own }) {
        const headers = own ? { who: own as string } : undefined
        const { state } = useEventStream(URL, { headers })
        return () => h('p', state.value)
      },
    })
    const Inner = defineComponent(() => {
      provideStreamDefaults({ fetch: server.fetch, headers: { who: 'inner' } })
      return () => [h(Stream), h(Stream, { own: 'own' })]
    })
    const app = createApp(defineComponent(() => () => [h(Stream), h(Inner)]))
    provideStreamDefaults(
      () => ({ fetch: server.fetch, headers: { who: who.value }, retry: { base: 10, random: () => 0 } }),
      app,
    )
    app.mount(document.createElement('main'))
    leaveBy(() => app.unmount())
    await frame()
    expect(server.requests.map(({ headers }) => headers.get('who')).sort()).toEqual(['app', 'inner', 'own'])
    const first = server.requests.find(({ headers }) => headers.get('who') === 'app')
    who.value = 'changed'
    await frame()
    expect(server.requests).toHaveLength(3)
    first?.drop()
    await frame()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(server.requests.at(-1)?.headers.get('who')).toBe('changed')
  })

  it('renders the first snapshot on a server, opens nothing there, and hydrates without a warning', async () => {
    const App = defineComponent(() => {
      const { state, data } = useEventStream(URL, { fetch: server.fetch })
      return () => h('p', `${state.value} ${data.value}`)
    })
    const html = await renderToString(createSSRApp(App))
    await frame()
    expect([html, server.requests.length]).toEqual(['<p>connecting undefined</p>', 0])
    const container = document.createElement('main')
    container.innerHTML = html
    const app = createSSRApp(App)
    app.mount(container)
    leaveBy(() => app.unmount())
    ;(await server.next()).send({ data: 'a' })
    await frame()
    expect(container.textContent).toBe('open a')
  })
})
