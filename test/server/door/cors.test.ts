import { describe, expect, test, vi } from 'vitest'
import { createHub, type HubOptions } from '../../../src/server/index.ts'
import { after } from '../serve.ts'

function ask(cors: HubOptions['cors'], headers: Record<string, string>, method = 'GET', options: HubOptions = {}) {
  const hub = createHub({ cors, ...options })
  after(() => hub.close({ within: 0 }))
  return hub.fetch(new Request('http://server/', { method, headers }))
}

const from = (origin: string) => ({ origin })
const preflight = (origin: string) => ({
  origin,
  'access-control-request-method': 'GET',
  'access-control-request-headers': 'last-event-id',
})
const allowed = ({ headers }: Response) => headers.get('access-control-allow-origin')

describe('an answer', () => {
  test('allows no other origin by default', async () => {
    const response = await ask(undefined, from('https://a'))
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('allows the origins that were named, lets them see our headers, and is not for caches to mix up', async () => {
    const response = await ask(['https://a'], from('https://a'))
    expect(allowed(response)).toBe('https://a')
    expect(response.headers.get('access-control-expose-headers')).toBe('Unmissed, Last-Event-ID, Retry-After')
    expect(response.headers.get('vary')).toBe('Origin')
    expect(response.headers.has('access-control-allow-credentials')).toBe(false)
    const other = await ask(['https://a'], from('https://b'))
    expect([allowed(other), other.headers.get('vary')]).toEqual([null, 'Origin'])
    expect(allowed(await ask(['https://a'], {}))).toBe(null)
    expect(allowed(await ask(['https://a'], from('null')))).toBe(null)
  })

  test('allows all origins, or those of a function', async () => {
    expect(allowed(await ask({ origins: '*' }, from('https://a')))).toBe('*')
    const cors = { origins: (origin: string) => origin.endsWith('.example') }
    expect(allowed(await ask(cors, from('https://b.example')))).toBe('https://b.example')
    expect(allowed(await ask(cors, from('https://b.other')))).toBe(null)
  })

  test('allows cookies only where the origin was named', async () => {
    const response = await ask({ origins: ['https://a'], credentials: true }, from('https://a'))
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    expect(() => createHub({ cors: { origins: '*', credentials: true } })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
  })

  test('that is a refusal can be read too', async () => {
    const response = await ask(['https://a'], from('https://a'), 'GET', { authorize: () => false })
    expect([response.status, allowed(response)]).toEqual([401, 'https://a'])
    const busy = await ask(['https://a'], from('https://a'), 'GET', { limits: { connections: 0 } })
    expect([busy.status, allowed(busy), busy.headers.has('retry-after')]).toEqual([503, 'https://a', true])
  })
})

describe('origins', () => {
  test.each([[['*']], ['*'], [{ origins: ['*'] }], [{ origins: ['https://b', '*'] }]])('%j are all', async (cors) => {
    const response = await ask(cors as HubOptions['cors'], from('https://a'))
    expect([allowed(response), response.headers.get('vary')]).toEqual(['*', null])
  })

  test.each([
    ['an origin in place of a list', 'https://a'],
    ['a path', ['https://a/']],
    ['a host', ['a.example']],
    ['a pattern', ['https://*.example/x']],
    ['null', null],
    ['true', true],
    ['an expression', [/a/]],
    ['nothing in an object', {}],
    ['undefined', { origins: undefined }],
    ['a key that does not exist', { origins: '*', origin: '*' }],
    ['all with credentials, in a list', { origins: ['*'], credentials: true }],
    ['a number as credentials', { origins: ['https://a'], credentials: 1 }],
    ['an age that is negative', { origins: '*', maxAge: -1 }],
    ['an age that is none', { origins: '*', maxAge: Number.NaN }],
    ['headers in a text', { origins: '*', headers: 'X-Mine' }],
    ['a header that would inject another', { origins: '*', headers: ['a\r\nb'] }],
  ])('that are %s are refused when the hub is made', (_, cors) => {
    expect(() => createHub({ cors: cors as HubOptions['cors'] })).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringMatching(/cors|origins/) }),
    )
  })

  test('of an asynchronous function are none: a promise is no yes, and it is told', async () => {
    const onError = vi.fn()
    const cors = { origins: (async () => false) as unknown as () => boolean }
    const response = await ask(cors, from('https://evil'), 'GET', { onError })
    expect([response.status, allowed(response)]).toEqual([500, null])
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'invalid-option' }))
  })

  test('are not asked about where the request names none', async () => {
    const origins = vi.fn(() => true)
    expect(allowed(await ask({ origins }, {}))).toBe(null)
    expect(origins).not.toHaveBeenCalled()
  })
})

describe('a preflight', () => {
  test('is answered without asking authorize, with what may be sent', async () => {
    const { status, headers } = await ask({ origins: ['https://a'], maxAge: 60 }, preflight('https://a'), 'OPTIONS', {
      authorize: () => false,
    })
    expect(status).toBe(204)
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': 'https://a',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'Accept, Authorization, Cache-Control, Content-Type, Last-Event-ID',
      'access-control-max-age': '60',
    })
  })

  test('of another origin is told nothing', async () => {
    const { status, headers } = await ask(['https://a'], preflight('https://b'), 'OPTIONS')
    expect(status).toBe(204)
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('names the methods and headers that were set', async () => {
    const { headers } = await ask({ origins: '*', headers: ['X-Mine'] }, preflight('https://a'), 'OPTIONS', {
      methods: ['GET'],
    })
    expect(headers.get('access-control-allow-methods')).toBe('GET')
    expect(headers.get('access-control-allow-headers')).toBe('X-Mine')
  })

  test('is nothing special without cors', async () => {
    expect((await ask(undefined, preflight('https://a'), 'OPTIONS')).status).toBe(405)
  })
})
