import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/index.ts'

// A fetch that keeps to itself what browsers keep: forbidden headers and redirects.

const NativeRequest = globalThis.Request

/** `Request` as browsers have it: a Cookie set by hand is gone. */
class GuardedRequest extends NativeRequest {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(input, init)
    this.headers.delete('cookie')
  }
}

type Answer = (url: string, init: RequestInit) => Response

function browser(answer: Answer) {
  const calls: { url: string; init: RequestInit }[] = []
  const fetch = async (url: string, init: RequestInit) => {
    calls.push({ url, init })
    return answer(url, init)
  }
  return { calls, fetch }
}
const stream = (url = '') =>
  Object.defineProperty(
    new Response(
      new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('id: 1\ndata: a\n\n')) }),
      {
        headers: { 'content-type': 'text/event-stream' },
      },
    ),
    'url',
    { value: url },
  )
const hidden = () => {
  const response = new Response(null)
  return Object.defineProperties(response, { type: { value: 'opaqueredirect' }, status: { value: 0 } })
}
const open: (() => void)[] = []
beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  for (const close of open.splice(0)) close()
  vi.useRealTimers()
})

describe('where fetch guards its headers', () => {
  beforeEach(() => void vi.stubGlobal('Request', GuardedRequest))

  it('Cache-Control is left to the cache mode, which costs no CORS preflight', async () => {
    const { calls, fetch } = browser(() => stream())
    const connection = connect('https://sse.test/', { fetch })
    open.push(() => connection.close())
    await connection.opened
    expect(calls[0]?.init.cache).toBe('no-store')
    expect([...new Headers(calls[0]?.init.headers)]).toEqual([['accept', 'text/event-stream']])
  })
  it('redirects are left to it at once', async () => {
    const { calls, fetch } = browser(() => stream())
    const connection = connect('https://sse.test/', { fetch, method: 'POST' })
    open.push(() => connection.close())
    await connection.opened
    expect(calls.map(({ init }) => init.redirect)).toEqual(['follow'])
  })
  it('another cache mode may be chosen', async () => {
    const { calls, fetch } = browser(() => stream())
    const connection = connect('https://sse.test/', { fetch, cache: 'reload' })
    open.push(() => connection.close())
    await connection.opened
    expect(calls[0]?.init.cache).toBe('reload')
  })
})

describe('where fetch hides redirects after all', () => {
  it('a GET is asked once more, and from then on fetch follows', async () => {
    const { calls, fetch } = browser((_, { redirect }) => (redirect === 'manual' ? hidden() : stream()))
    const connection = connect('https://sse.test/', { fetch })
    open.push(() => connection.close())
    await connection.opened
    connection.reconnect()
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.state).toBe('open')
    expect(calls.map(({ init }) => init.redirect)).toEqual(['manual', 'follow', 'follow'])
  })
  it('a POST is not sent again: a 303 has carried it out already', async () => {
    const { calls, fetch } = browser(() => hidden())
    const connection = connect('https://sse.test/', { fetch, method: 'POST', body: '{}' })
    expect(await connection.closed).toBe('failed')
    expect(connection.snapshot.error?.code).toBe('redirect')
    expect(calls).toHaveLength(1)
  })
})

describe('addresses', () => {
  it('are relative to the document', async () => {
    vi.stubGlobal('document', { baseURI: 'https://page.test/app/' })
    const { calls, fetch } = browser(() => new Response(null, { status: 204 }))
    await connect('events', { fetch }).closed
    await connect('/events', { fetch }).closed
    await connect(new URL('https://sse.test/x'), { fetch }).closed
    expect(calls.map(({ url }) => url)).toEqual([
      'https://page.test/app/events',
      'https://page.test/events',
      'https://sse.test/x',
    ])
  })
  it('are relative to the script of a worker', async () => {
    vi.stubGlobal('location', { href: 'https://page.test/worker.js' })
    const { calls, fetch } = browser(() => new Response(null, { status: 204 }))
    await connect('/events', { fetch }).closed
    expect(calls.map(({ url }) => url)).toEqual(['https://page.test/events'])
  })
  it('that are relative to nothing are a mistake, which is thrown', () => {
    const { fetch } = browser(() => stream())
    expect(() => connect('/events', { fetch })).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  })
  it('of what the page itself was loaded by are asked for, though fetch alone could not', async () => {
    vi.stubGlobal('location', { href: 'tauri://localhost/app' })
    const { calls, fetch } = browser(() => new Response(null, { status: 204 }))
    vi.stubGlobal('fetch', fetch)
    await connect('/events').closed
    expect(calls.map(({ url }) => url)).toEqual(['tauri://localhost/events'])
  })
})

describe('where fetch writes and reads header values as UTF-8 by itself', () => {
  class TextHeaders extends Headers {
    override set(name: string, value: string) {
      super.set(name, encodeURIComponent(value))
    }
    override get(name: string) {
      const value = super.get(name)
      return value === null ? null : decodeURIComponent(value)
    }
  }
  class TextRequest extends NativeRequest {
    override readonly headers = new TextHeaders(super.headers)
  }
  beforeEach(() => {
    vi.stubGlobal('Request', TextRequest)
    vi.stubGlobal('Headers', TextHeaders)
  })

  it('an id is given as it is, and its echo is no gap', async () => {
    const asked: (string | null)[] = []
    const onGap = vi.fn()
    const { fetch } = browser((_, { headers }) => {
      asked.push((headers as Headers).get('last-event-id'))
      const response = stream()
      return Object.defineProperty(response, 'headers', {
        value: new TextHeaders({
          'content-type': 'text%2Fevent-stream',
          'last-event-id': '%C3%A9%E2%80%A6',
        }),
      })
    })
    const connection = connect('https://sse.test/', { fetch, lastEventId: 'é…', onGap })
    open.push(() => connection.close())
    await connection.opened
    expect(asked).toEqual(['é…'])
    expect(onGap).not.toHaveBeenCalled()
  })
})

describe('where an abort has no reason, as in React Native', () => {
  class OldAbortController {
    readonly signal = Object.assign(new EventTarget(), { aborted: false })
    abort() {
      if (this.signal.aborted) return
      this.signal.aborted = true
      this.signal.dispatchEvent(new Event('abort'))
    }
  }
  beforeEach(() => void vi.stubGlobal('AbortController', OldAbortController))

  it('a failure is still told from a wish', async () => {
    const codes: string[] = []
    const { calls, fetch } = browser(() => stream())
    const connection = connect('https://sse.test/', {
      fetch,
      idleTimeout: 1000,
      retry: { random: () => 0 },
      onError: ({ code }) => void codes.push(code),
    })
    open.push(() => connection.close())
    await connection.opened
    connection.reconnect()
    await vi.advanceTimersByTimeAsync(0)
    expect([codes, calls.length]).toEqual([[], 2])
    await vi.advanceTimersByTimeAsync(1100)
    expect([codes, connection.state]).toEqual([['timeout-idle'], 'waiting'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(calls.length).toBe(3)
  })
  it('close in a listener stops at once', async () => {
    const { fetch } = browser(
      () => new Response('data: 1\n\ndata: 2\n\n', { headers: { 'content-type': 'text/event-stream' } }),
    )
    const connection = connect('https://sse.test/', { fetch })
    const heard: string[] = []
    connection.on(({ data }) => {
      heard.push(data)
      connection.close()
    })
    expect(await connection.closed).toBe('closed')
    expect(heard).toEqual(['1'])
  })
})
