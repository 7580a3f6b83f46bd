import { getEventListeners } from 'node:events'
import { fetchEventSource as original } from '@microsoft/fetch-event-source'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  EventStreamContentType,
  type FetchEventSourceInit,
  fetchEventSource,
} from '../../src/compat/fetch-event-source.ts'
import { type Answer, type Seen, serve } from '../runtimes/server.ts'

let server: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  server = await serve()
})
afterAll(() => server.close())

/** A page, as far as either of the two looks at it. */
class FakePage extends EventTarget {
  baseURI = server.url
  visibilityState = 'visible'
  get hidden() {
    return this.visibilityState === 'hidden'
  }
  show(visible: boolean) {
    this.visibilityState = visible ? 'visible' : 'hidden'
    this.dispatchEvent(new Event('visibilitychange'))
  }
}
let page: FakePage
beforeEach(() => {
  page = new FakePage()
  vi.stubGlobal('document', page)
  vi.stubGlobal('window', globalThis)
})

const aborts: AbortController[] = []
afterEach(() => {
  for (const abort of aborts.splice(0)) abort.abort()
})

const held = (...chunks: string[]): Answer => ({ chunks, ending: 'hang' })

async function stream(answers: Answer[]) {
  const response = await fetch(`${server.url}/streams`, { method: 'POST', body: JSON.stringify(answers) })
  const { id } = (await response.json()) as { id: string }
  const url = `${server.url}/streams/${id}`
  return { url, seen: async () => (await (await fetch(`${url}/seen`)).json()) as Seen[] }
}

type Log = (entry: unknown) => void
type Subject = (url: string, init: FetchEventSourceInit) => Promise<void>
const theirs = original as unknown as Subject

/** What a subject calls, in order, for these answers, and what the server saw. */
async function play(
  subject: Subject,
  answers: Answer[],
  make: (log: Log, abort: AbortController) => FetchEventSourceInit,
) {
  const { url, seen } = await stream(answers)
  const calls: unknown[] = []
  const abort = new AbortController()
  aborts.push(abort)
  const log: Log = (entry) => void calls.push(entry)
  const outcome = await subject(url, { signal: abort.signal, ...make(log, abort) }).then(
    () => 'resolved',
    (error) => `rejected: ${error.message}`,
  )
  const requests = (await seen()).map(({ method, body, headers }) => [
    method,
    body,
    headers.accept,
    headers['last-event-id'],
  ])
  return { calls, outcome, requests }
}

describe('does as @microsoft/fetch-event-source 2.0.1 does:', () => {
  const cases: Record<string, [Answer[], (log: Log, abort: AbortController) => FetchEventSourceInit]> = {
    'open, messages, close, and it resolves': [
      [{ chunks: ['id: 1\nevent: tick\ndata: a\ndata: b\n\nid: 2\ndata: c\n\n'] }],
      (log) => ({
        onopen: async (response) => log(['open', response.status, response.headers.get('content-type')]),
        onmessage: ({ id, event, data }) => log([id, event, data]),
        onclose: () => log('close'),
      }),
    ],
    'a POST with its body and headers': [
      [{ chunks: ['data: a\n\n'] }],
      (log) => ({
        method: 'POST',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream, text/plain' },
        onmessage: ({ data }) => log(data),
      }),
    ],
    'onclose that throws comes back, with the id, after what onerror says': [
      [{ chunks: ['id: 1\ndata: a\n\n'] }, { chunks: ['id: 2\ndata: b\n\n'] }],
      (log) => {
        let closes = 0
        return {
          onmessage: ({ data }) => log(data),
          onclose() {
            log('close')
            if (++closes < 2) throw new Error('not yet')
          },
          onerror(error) {
            log(error.message)
            return 10
          },
        }
      },
    ],
    'onerror that throws ends it all with that error': [
      [{ status: 0 }],
      (log) => ({
        onclose: () => log('close'),
        onerror(error) {
          log(error instanceof TypeError)
          throw new Error('enough')
        },
      }),
    ],
    'onopen that throws gives onerror that very error': [
      [{ status: 403 }, { chunks: ['data: a\n\n'] }],
      (log) => {
        class Refused extends Error {}
        return {
          async onopen({ status }) {
            if (status !== 200) throw new Refused(`status ${status}`)
          },
          onmessage: ({ data }) => log(data),
          onerror(error) {
            log([error instanceof Refused, error.message])
            return 10
          },
        }
      },
    ],
    'onopen that does not throw accepts any status and type': [
      [{ status: 201, headers: { 'content-type': 'application/x-stream' }, chunks: ['data: a\n\n'] }],
      (log) => ({
        onopen: async ({ status }) => log(status),
        onmessage: ({ data }) => log(data),
        onclose: () => log('close'),
      }),
    ],
    'onmessage that throws hangs up and has onerror decide': [
      [held('id: 1\ndata: a\n\ndata: never\n\n'), { chunks: ['data: b\n\n'] }],
      (log) => ({
        onmessage({ data }) {
          log(data)
          if (data === 'a') throw new Error('cannot take a')
        },
        onerror(error) {
          log(error.message)
          return 10
        },
      }),
    ],
    'onmessage whose error onerror throws again ends it all': [
      [held('data: a\n\n')],
      () => ({
        onmessage() {
          throw new Error('fatal')
        },
        onerror(error) {
          throw error
        },
      }),
    ],
    'a body that breaks has onerror decide, and resumes after the last id': [
      [{ chunks: ['id: 1\ndata: a\n\n', 20], ending: 'reset' }, { chunks: ['data: b\n\n'] }],
      (log) => ({
        onmessage: ({ data }) => log(data),
        onerror(error) {
          log(error instanceof TypeError)
          return 10
        },
      }),
    ],
    'the wrong content type is an error': [
      [{ headers: { 'content-type': 'text/html' } }, { chunks: ['data: a\n\n'] }],
      (log) => ({
        onmessage: ({ data }) => log(data),
        onerror(error) {
          log(/text\/html/.test(error.message))
          return 10
        },
      }),
    ],
    'a signal that aborts makes it resolve, and nothing is called': [
      [held('data: a\n\n')],
      (log, abort) => ({
        onmessage: () => abort.abort(),
        onclose: () => log('close'),
        onerror: () => log('error'),
      }),
    ],
    'a fetch of the caller makes the requests': [
      [{ chunks: ['data: a\n\n'] }],
      (log) => ({
        fetch(...args) {
          log('fetch')
          return fetch(...args)
        },
      }),
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [answers, make]) => {
    const [mine, other] = await Promise.all([play(fetchEventSource, answers, make), play(theirs, answers, make)])
    expect(mine).toEqual(other)
  })

  test('a hidden page hangs up, and comes back with the id when it is seen again', async () => {
    for (const subject of [fetchEventSource, theirs]) {
      const { url, seen } = await stream([held('id: 1\ndata: a\n\n'), { chunks: ['data: b\n\n'] }])
      const heard: string[] = []
      const done = subject(url, { onmessage: ({ data }) => void heard.push(data) })
      await vi.waitFor(() => expect(heard).toEqual(['a']))
      page.show(false)
      await vi.waitFor(async () => expect((await seen())[0]?.aborted).toBe(true))
      page.show(true)
      await done
      expect([heard, (await seen())[1]?.headers['last-event-id']]).toEqual([['a', 'b'], '1'])
    }
  })

  test('with openWhenHidden a hidden page stays connected', async () => {
    for (const subject of [fetchEventSource, theirs]) {
      const { url, seen } = await stream([held('data: a\n\n')])
      const abort = new AbortController()
      const opened = new Promise<void>((resolve) => {
        void subject(url, { signal: abort.signal, openWhenHidden: true, onmessage: () => resolve() })
      })
      await opened
      page.show(false)
      page.show(true)
      await new Promise((resolve) => setTimeout(resolve, 50))
      const requests = await seen()
      abort.abort()
      expect([requests.length, requests[0]?.aborted]).toEqual([1, false])
    }
  })
})

describe('and better where it errs:', () => {
  const data = async (chunk: string | number[], count: number) => {
    const { url } = await stream([{ chunks: [chunk] }])
    const found: string[] = []
    await fetchEventSource(url, { onmessage: (message) => void found.push(message.data) })
    expect(found).toHaveLength(count)
    return found
  }

  test('an empty first data line keeps its newline', async () => {
    expect(await data('data:\ndata: b\n\n', 1)).toEqual(['\nb'])
  })

  test('comments and ids alone are no messages', async () => {
    expect(await data(': note\n\nid: 1\n\nevent: tick\n\ndata: a\n\n', 1)).toEqual(['a'])
  })

  test('U+FEFF inside a value stays', async () => {
    expect(await data('data: a\n\ndata: \uFEFFb\n\n', 2)).toEqual(['a', '\uFEFFb'])
  })

  test('an id counts at its blank line: a cut before it resumes before the event, not after it', async () => {
    const { url, seen } = await stream([
      { chunks: ['id: 1\ndata: a\n\nid: 2\ndata: lost', 20], ending: 'reset' },
      { chunks: ['id: 2\ndata: b\n\n'] },
    ])
    const found: string[] = []
    await fetchEventSource(url, { onmessage: ({ data }) => void found.push(data), onerror: () => 10 })
    expect([found, (await seen())[1]?.headers['last-event-id']]).toEqual([['a', 'b'], '1'])
  })

  test('204 stops', async () => {
    const { url, seen } = await stream([{ status: 204 }])
    const onerror = vi.fn()
    await fetchEventSource(url, { onerror })
    expect([onerror.mock.calls, (await seen()).length]).toEqual([[], 1])
  })

  test('an error status is an error, whatever its type', async () => {
    const { url } = await stream([{ status: 500, chunks: ['data: no\n\n'] }])
    const onmessage = vi.fn()
    const fatal = (error: Error) => {
      throw error
    }
    await expect(fetchEventSource(url, { onmessage, onerror: fatal })).rejects.toMatchObject({
      code: 'status',
      status: 500,
    })
    expect(onmessage).not.toHaveBeenCalled()
  })

  test('headers may be Headers, in any case, and none is doubled', async () => {
    const { url, seen } = await stream([{ chunks: [] }])
    await fetchEventSource(url, { headers: new Headers({ Authorization: 'Bearer x', Accept: 'text/*' }) })
    const [request] = await seen()
    expect([request?.headers.authorization, request?.headers.accept]).toEqual(['Bearer x', 'text/*'])
  })

  test('a Request may be sent again, body and all', async () => {
    const { url, seen } = await stream([{ status: 0 }, { chunks: ['data: a\n\n'] }])
    const request = new Request(url, { method: 'POST', body: 'question', headers: { 'x-own': '1' } })
    await fetchEventSource(request, { onerror: () => 10 })
    expect((await seen()).map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'question'],
      ['POST', 'question'],
    ])
  })

  test('a Request brings its headers, which those of the options replace, as in fetch', async () => {
    const { url, seen } = await stream([{ chunks: ['data: a\n\n'] }])
    const request = new Request(url, { headers: { 'x-own': '1', accept: 'text/*' } })
    await fetchEventSource(request)
    await fetchEventSource(request, { headers: { 'x-other': '2' } })
    expect((await seen()).map(({ headers }) => [headers['x-own'], headers['x-other'], headers.accept])).toEqual([
      ['1', undefined, 'text/*'],
      [undefined, '2', 'text/event-stream'],
    ])
  })

  test('a Request brings its signal', async () => {
    const { url, seen } = await stream([held('data: a\n\n')])
    const abort = new AbortController()
    aborts.push(abort)
    await fetchEventSource(new Request(url, { signal: abort.signal }), { onmessage: () => abort.abort() })
    await vi.waitFor(async () => expect((await seen()).map(({ aborted }) => aborted)).toEqual([true]))
    await fetchEventSource(new Request(url, { signal: abort.signal }))
    expect(await seen()).toHaveLength(1)
  })

  test('the body of a Request goes along where a redirect keeps it', async () => {
    const target = await stream([{ chunks: ['data: a\n\n'] }])
    const { url } = await stream([{ status: 307, headers: { location: target.url } }])
    await fetchEventSource(new Request(url, { method: 'POST', body: 'question', headers: { 'x-own': '1' } }))
    const [request] = await target.seen()
    expect([request?.method, request?.body, request?.headers['x-own']]).toEqual(['POST', 'question', '1'])
  })

  test('a Request that follows no redirect follows none', async () => {
    const target = await stream([{ chunks: ['data: a\n\n'] }])
    const { url } = await stream([{ status: 307, headers: { location: target.url } }])
    const fatal = (error: Error) => {
      throw error
    }
    await expect(fetchEventSource(new Request(url, { redirect: 'error' }), { onerror: fatal })).rejects.toThrow()
    expect(await target.seen()).toEqual([])
  })

  test('many on one signal add one listener to it, and take it back', async () => {
    const abort = new AbortController()
    const { url } = await stream([held('data: a\n\n')])
    let heard = 0
    const all = Array.from({ length: 12 }, () =>
      fetchEventSource(url, { signal: abort.signal, openWhenHidden: true, onmessage: () => void heard++ }),
    )
    await vi.waitFor(() => expect(heard).toBe(12))
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1)
    abort.abort()
    await Promise.all(all)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
  })

  test('what onerror returns besides a wait is none: no hot loop', async () => {
    const { url, seen } = await stream([held('data: a\n\n')])
    const abort = new AbortController()
    const done = fetchEventSource(url, {
      signal: abort.signal,
      onmessage() {
        throw new Error('cannot')
      },
      onerror: () => Number.NaN,
    })
    await new Promise((resolve) => setTimeout(resolve, 200))
    abort.abort()
    await done
    expect(await seen()).toHaveLength(1)
  })

  test('onerror gets what was thrown, whatever it is', async () => {
    const { url } = await stream([{ chunks: ['data: a\n\n'] }])
    const errors: unknown[] = []
    const done = fetchEventSource(url, {
      onopen() {
        throw 'text'
      },
      onerror(error) {
        errors.push(error)
        throw error
      },
    })
    await expect(done).rejects.toBe('text')
    expect(errors).toEqual(['text'])
  })

  test('a signal that is aborted already asks nothing', async () => {
    const { url, seen } = await stream([held()])
    await fetchEventSource(url, { signal: AbortSignal.abort() })
    expect(await seen()).toEqual([])
  })

  test('a page that hides and shows quickly has one connection, not two', async () => {
    const { url, seen } = await stream([held('data: a\n\n')])
    const abort = new AbortController()
    aborts.push(abort)
    let heard = 0
    const done = fetchEventSource(url, { signal: abort.signal, onmessage: () => void heard++ })
    await vi.waitFor(() => expect(heard).toBe(1))
    for (let turn = 0; turn < 5; turn++) {
      page.show(false)
      page.show(true)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await seen()).filter(({ aborted }) => !aborted)).toHaveLength(1)
    abort.abort()
    await done
  })

  test('no answer that was refused stays open', async () => {
    const { url, seen } = await stream([
      { status: 500, ending: 'hang' },
      { headers: { 'content-type': 'text/html' }, ending: 'hang' },
      { chunks: [] },
    ])
    await fetchEventSource(url, { onerror: () => 10 })
    await vi.waitFor(async () => expect((await seen()).map(({ aborted }) => aborted)).toEqual([true, true, false]))
  })

  test('runs where there is neither window nor document', async () => {
    vi.unstubAllGlobals()
    const { url } = await stream([{ chunks: ['data: a\n\n'] }])
    const found: string[] = []
    await fetchEventSource(url, { onmessage: ({ data }) => void found.push(data) })
    expect(found).toEqual(['a'])
  })
})

test('the media type is exported, as by the original', () => {
  expect(EventStreamContentType).toBe('text/event-stream')
})
