import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { afterEach, describe, expect, it, onTestFinished, test, vi } from 'vitest'
import { createStore } from '../../src/client/store/store.ts'
import { EventSource } from '../../src/eventsource/index.ts'
import { ConnectError, connect } from '../../src/index.ts'
import { createHub, OptionError } from '../../src/server/index.ts'
import { createMockServer } from '../../src/testing/index.ts'

const URL_ = 'https://sse.test/events'
const fetch = () => new Promise<never>(() => {})

/** What is thrown; nothing may be left open. */
function thrown(make: () => { close?: () => void } | undefined): Error {
  try {
    make()?.close?.()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
// What plain JavaScript may pass.
const refused = (options: unknown) => refusedAt(URL_, options)
const refusedAt = (url: unknown, options: unknown) => {
  const error = thrown(() => connect(url as string, options as never))
  expect(error).toBeInstanceOf(ConnectError)
  expect((error as ConnectError).code).toBe('invalid-option')
  return error.message
}

describe('connect throws for a mistake of the program', () => {
  it.each([
    ['onerror', 'onError'],
    ['onopen', 'onOpen'],
    ['header', 'headers'],
    ['idletimeout', 'idleTimeout'],
    ['conectTimeout', 'connectTimeout'],
    ['higWaterMark', 'highWaterMark'],
    ['lastEventID', 'lastEventId'],
    ['dedup', 'dedupe'],
    ['onMessage', 'connection.on(listener)'],
    ['onclose', 'connection.closed'],
    ['withCredentials', "credentials: 'include'"],
    ['timeout', 'connectTimeout, idleTimeout or deadline'],
    ['maxRetries', 'retry: { limit }'],
  ])('%s: did you mean %s?', (name, meant) => {
    expect(refused({ [name]: () => {} })).toBe(`connect has no "${name}": did you mean ${meant}?`)
  })

  it('an option that resembles none says where those of a runtime go', () => {
    expect(refused({ agent: {} })).toBe(
      'connect has no "agent": what only the fetch of a runtime knows goes into fetchOptions',
    )
  })

  it.each([
    [{ parse: 'yaml' }, 'connect: parse must be a function, or "json", not "yaml"'],
    [{ connectTimeout: '5s' }, 'connect: connectTimeout must be a number, 0 or more, not "5s"'],
    [{ connectTimeout: Number.NaN }, 'connect: connectTimeout must be a number, 0 or more, not NaN'],
    [{ idleTimeout: -1 }, 'connect: idleTimeout must be a number, 0 or more, not -1'],
    [{ onError: true }, 'connect: onError must be a function, not true'],
    [{ signal: new AbortController() }, 'connect: signal must be an AbortSignal, not {}'],
    [{ headers: 'a: b' }, 'connect: headers must be a function, or an object of headers, not "a: b"'],
    [{ retry: 3 }, 'connect: retry must be true or false, or a function, or an object, not 3'],
    [{ retry: { max: '1m' } }, 'retry: max must be a number, 0 or more, not "1m"'],
    [{ retry: { factor: 0 } }, 'retry: factor must be a number, 1 or more, not 0'],
    [{ retry: { statuses: ['5xx'] } }, 'retry: statuses must be an array of statuses, such as [429, 503], not ["5xx"]'],
    [
      { retry: { attempts: 3 } },
      'retry has no "attempts": there are when, base, max, longest, factor, limit, statuses',
    ],
    [{ resume: {} }, 'resume: load or save must be a function, as in storage(localStorage, key)'],
    [{ resume: { load: 'id' } }, 'resume: load must be a function, not "id"'],
    [{ pauseWhenHidden: true }, 'connect: pauseWhenHidden must be an object, not true'],
    [
      { pauseWhenHidden: { after: '1' } },
      'pauseWhenHidden: after must be a number of milliseconds, 0 or more, not "1"',
    ],
    [{ schemas: { tick: {} } }, 'schemas: "tick" must be a Standard Schema, as of zod, valibot or arktype'],
    [
      { method: 'GET ME' },
      'connect: method must be a function, or a method that fetch sends, such as GET or POST, not',
    ],
    [{ method: 'connect' }, 'connect: method must be a function, or a method that fetch sends'],
    [{ redirect: 'fellow' }, 'connect: redirect must be "follow" or "error" or "manual", not "fellow"'],
    [null, 'connect: expected an object, got null'],
    ['GET', 'connect: expected an object, got "GET"'],
  ])('%o', (options, message) => {
    expect(refused(options)).toContain(message)
  })

  it.each([
    [undefined, 'an address is missing: connect(url)'],
    ['', 'an address is missing: connect(url)'],
    [{}, 'an address must be a string, a URL, or a function that gives one: connect(url, options)'],
    [42, 'an address must be a string, a URL, or a function that gives one: connect(url, options)'],
    [new Request(URL_), 'an address must be a string, a URL, or a function that gives one: connect(url, options)'],
    ['/events', 'relative, and here is no page'],
    ['ws://a.test', '"ws://a.test" begins with ws: where http:// or https:// was expected'],
  ])('at the address %o', (url, message) => {
    expect(refusedAt(url, {})).toContain(message)
  })

  it('a name that is endless is not compared, and cut short in the message', () => {
    const before = performance.now()
    expect(refused({ ['o'.repeat(1e6)]: 1 }).length).toBeLessThan(200)
    expect(performance.now() - before).toBeLessThan(500)
  })

  it('what may be there and is undefined counts as missing', () => {
    const all = Object.fromEntries(names('src/client/options.ts', 'ConnectOptions').map((name) => [name, undefined]))
    const connection = connect(URL_, { ...all, fetch })
    onTestFinished(() => connection.close())
    expect(connection.state).toBe('connecting')
  })

  it('what fetch knows passes', async () => {
    const server = createMockServer()
    const options = { fetch: server.fetch, cache: 'no-store', credentials: 'include', mode: 'cors', keepalive: false }
    const connection = connect(URL_, options as object)
    onTestFinished(() => connection.close())
    expect((await server.next()).url).toBe(URL_)
  })
})

/** The names of an interface's own properties. */
function names(path: string, name: string): string[] {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found = file.statements.find(
    (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === name,
  )
  return (found?.members ?? []).map((member) => member.name?.getText(file) ?? '')
}

describe('every option that is typed is known to the check', () => {
  test.each([
    ['src/client/options.ts', 'ConnectOptions', (options: object) => connect(URL_, options)],
    ['src/client/retry.ts', 'RetryOptions', (retry: object) => connect(URL_, { retry, fetch })],
    ['src/client/store/options.ts', 'ViewOptions', (options: object) => createStore({ ...options, url: URL_ })],
    ['src/client/store/options.ts', 'FoldOptions', (options: object) => createStore({ ...options, url: URL_ })],
    ['src/eventsource/init.ts', 'EventSourceInit', (init: object) => new EventSource(URL_, { fetch, ...init })],
    ['src/eventsource/init.ts', 'EventSourceRetry', (retry: object) => new EventSource(URL_, { fetch, retry })],
    ['src/testing/mock-server.ts', 'MockServerOptions', (options: object) => void createMockServer(options)],
  ])('%s %s', (path, name, make) => {
    const all = names(path, name)
    expect(all.length).toBeGreaterThan(1)
    const made = make(Object.fromEntries(all.map((each) => [each, undefined]))) as { close?: () => void } | undefined
    made?.close?.()
  })
})

describe('the others', () => {
  afterEach(() => vi.unstubAllGlobals())

  test.each([
    [{ onerror: () => {} }, 'the stream has no "onerror": did you mean onError?'],
    [{ onMessage: () => {} }, 'the stream has no "onMessage": did you mean onEvent?'],
    [{ enable: true }, 'the stream has no "enable": did you mean enabled?'],
    [{ max: '10' }, 'the stream: max must be a number, 0 or more, not "10"'],
    [{ event: 5 }, 'the stream: event must be a string that is not empty, or an array of strings'],
    [{ retry: { limit: '3' } }, 'retry: limit must be a number, 0 or more, not "3"'],
  ])('a stream of a component: %o', (options, message) => {
    expect(thrown(() => void createStore({ ...(options as object), url: URL_ })).message).toContain(message)
    const store = createStore({ url: URL_ })
    expect(thrown(() => void store.update({ ...(options as object), url: URL_ })).message).toContain(message)
  })

  test('a stream of a component: an address that is none, where there is a page', () => {
    vi.stubGlobal('document', { baseURI: 'https://sse.test/page' })
    expect(thrown(() => void createStore({ url: 'ws://sse.test' })).message).toContain('begins with ws:')
    expect(createStore({ url: '/events' }).getSnapshot().state).toBe('connecting')
    expect(createStore({ url: null }).getSnapshot().state).toBe('closed')
  })

  test.each([
    [{ header: {} }, 'EventSource has no "header": did you mean headers?'],
    [{ credentials: 'include' }, 'EventSource has no "credentials": did you mean withCredentials: true?'],
    [{ baseUrl: 'https://a.test' }, 'EventSource has no "baseUrl": did you mean baseURL?'],
    [{ idleTimeout: '1s' }, 'EventSource: idleTimeout must be a number, 0 or more, not "1s"'],
    [{ fetch: 'fetch' }, 'EventSource: fetch must be a function, not "fetch"'],
    [{ retry: { base: '1s' } }, 'EventSource: retry: base must be a number of milliseconds, 0 or more, not "1s"'],
  ])('EventSource: %o', (init, message) => {
    const error = thrown(() => new EventSource(URL_, init as object))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(message)
  })

  test('EventSource: a dictionary may hold what nobody knows (Web IDL)', () => {
    new EventSource(URL_, { fetch, https: { rejectUnauthorized: false } } as object).close()
  })

  test('a hub', () => {
    const error = thrown(() => createHub({ histroy: 10 } as object))
    expect(error).toBeInstanceOf(OptionError)
    expect(error.message).toBe('createHub has no "histroy": did you mean history?')
  })

  test('a mock server', () => {
    const error = thrown(() => void createMockServer({ onrequest() {} } as object))
    expect(error.message).toBe('createMockServer has no "onrequest": did you mean onRequest?')
    expect(thrown(() => void createMockServer({ headers: { 'a b': 'c' } })).message).toContain('a b')
  })
})
