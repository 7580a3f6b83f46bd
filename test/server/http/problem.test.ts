import { describe, expect, test } from 'vitest'
import { accept, adminHandler, createHub, type HubOptions } from '../../../src/server/index.ts'
import { after, serveHub } from '../serve.ts'

/** What a request of a hub is answered, over Node and over the web. */
async function answers(options: HubOptions, headers: Record<string, string>, method = 'GET') {
  const { hub, url } = await serveHub({ onError() {}, ...options })
  return [await fetch(url, { headers, method }), await hub.fetch(new Request(url, { headers, method }))]
}

describe('a refusal', () => {
  test.each<[number, HubOptions, Record<string, string>, string]>([
    [401, { authorize: () => false }, {}, 'GET'],
    [403, { authorize: () => ({ status: 403, message: 'not you' }) }, {}, 'GET'],
    [405, {}, {}, 'DELETE'],
    [400, {}, { 'last-event-id': 'x'.repeat(2000) }, 'GET'],
    [503, { limits: { connections: 0 } }, {}, 'GET'],
  ])(
    '%s is a problem to whoever takes JSON, and a line of text to others',
    async (status, options, headers, method) => {
      for (const response of await answers(options, { ...headers, accept: 'application/json' }, method)) {
        expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json'])
        expect(await response.json()).toEqual({ status, detail: expect.stringMatching(/./) })
      }
      for (const response of await answers(options, { ...headers, accept: '*/*' }, method)) {
        expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/plain; charset=utf-8'])
        expect(await response.text()).toMatch(/./)
      }
    },
  )

  test('without a word has no body, and one whose type the application gave is left as it is', async () => {
    for (const response of await answers({ authorize: () => ({ status: 418 }) }, { accept: 'application/json' })) {
      expect([response.status, await response.text()]).toEqual([418, ''])
    }
    const own = { status: 402, message: '<p>pay</p>', headers: { 'content-type': 'text/html' } }
    for (const response of await answers({ authorize: () => own }, { accept: 'application/json' })) {
      expect([response.headers.get('content-type'), await response.text()]).toEqual(['text/html', '<p>pay</p>'])
    }
  })

  test('of accept is told likewise, and 406 says what to ask for', async () => {
    const request = new Request('http://a/', { headers: { accept: 'text/html, application/json' } })
    const { response } = accept(request)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({ status: 406, detail: expect.stringContaining('Accept: text/event-stream') })
  })

  test('of the administration stays what it was', async () => {
    const hub = createHub()
    after(() => hub.close())
    const admin = adminHandler(hub, { authorize: () => false })
    const response = await admin.fetch(new Request('http://a/stats', { headers: { accept: 'application/json' } }))
    expect([response.status, response.headers.get('content-type')]).toEqual([401, 'application/json'])
    expect(await response.json()).toEqual({ error: expect.any(String) })
  })
})
