import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { type AdminOptions, adminHandler, bearer, createHub, type Hub } from '../../src/server/index.ts'
import { after, read, serve, until } from './serve.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** The same requests over Node and over the web. */
const doors: Record<
  string,
  (hub: Hub, options?: Partial<AdminOptions>) => Promise<(path: string, init?: RequestInit) => Promise<Response>>
> = {
  async node(hub, options) {
    const admin = adminHandler(hub, { authorize: () => true, ...options })
    const url = await serve((incoming, response) => admin(incoming, response))
    return (path, init) => fetch(url + path, init)
  },
  async web(hub, options) {
    const admin = adminHandler(hub, { authorize: () => true, ...options })
    return (path, init) =>
      admin.fetch(
        new Request(`http://a/admin/${path}`, {
          ...init,
          ...(init?.body instanceof ReadableStream && { duplex: 'half' }),
        }),
      )
  },
}

function hubOf() {
  const hub = createHub({ onError: () => {} })
  after(() => hub.close({ within: 0 }))
  return hub
}

describe.each(Object.keys(doors))('over %s', (door) => {
  const open = doors[door] as (typeof doors)[string]

  test('GET stats and metrics', async () => {
    const hub = hubOf()
    const ask = await open(hub)
    const stats = await ask('stats?pretty')
    expect([stats.status, stats.headers.get('content-type'), stats.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'no-store',
    ])
    expect(await stats.json()).toMatchObject({ connections: 0, states: { live: 0 } })
    const metrics = await ask('metrics')
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await metrics.text()).toContain('unmissed_connections 0\n')
    expect((await ask('stats', { method: 'HEAD' })).status).toBe(200)
  })

  test('POST broadcast to everyone or to a topic, and send-to-user', async () => {
    const hub = hubOf()
    const published: unknown[] = []
    vi.spyOn(hub, 'publish').mockImplementation(async (...args) => {
      published.push(args)
      return { id: 'e.1' }
    })
    const ask = await open(hub)
    const post = async (path: string, body: unknown) => {
      const response = await ask(path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) })
      return [response.status, await response.json()]
    }
    expect(await post('broadcast', { event: 'tick', data: { ä: 1 } })).toEqual([202, { id: 'e.1' }])
    expect(await post('broadcast', { data: 'x', topic: 't' })).toEqual([202, { id: 'e.1' }])
    expect(await post('send-to-user', { user_id: 'u', event: 'tick', data: null })).toEqual([202, { id: 'e.1' }])
    expect(published).toEqual([
      [{ type: 'tick', data: { ä: 1 } }, 'everyone'],
      [{ type: undefined, data: 'x' }, { topic: 't' }],
      [{ type: 'tick', data: null }, { user: 'u' }],
    ])
  })

  test.each<[string, RequestInit, number]>([
    ['nothing', {}, 404],
    ['', {}, 404],
    ['constructor', {}, 404],
    ['stats', { method: 'POST', headers: JSON_TYPE, body: '{}' }, 405],
    ['broadcast', {}, 405],
    ['broadcast', { method: 'PUT', headers: JSON_TYPE, body: '{}' }, 405],
    ['broadcast', { method: 'POST', body: '{"data":1}' }, 415],
    [
      'broadcast',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'data=1' },
      415,
    ],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: new Uint8Array([123, 34, 255, 34, 125]) }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '[]' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: 'null' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"event":2}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"topic":{}}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"event":"a\\nb"}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"event":"gap"}' }, 400],
    ['send-to-user', { method: 'POST', headers: JSON_TYPE, body: '{"data":1}' }, 400],
    ['send-to-user', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"user_id":7}' }, 400],
    // Whoever is meant by these would be everyone.
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"user_id":"u"}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"topics":["t"]}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"user":"u"}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"topic":""}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"topic":null}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"__proto__":{"topic":"t"}}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"event":""}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"event":null}' }, 400],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"id":"mine"}' }, 400],
    ['send-to-user', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"user_id":""}' }, 400],
    ['send-to-user', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"user_id":null}' }, 400],
    ['send-to-user', { method: 'POST', headers: JSON_TYPE, body: '{"data":1,"user_id":"u","topic":"t"}' }, 400],
    ['__proto__', { method: 'POST', headers: JSON_TYPE, body: '{"data":1}' }, 404],
    ['%62roadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1}' }, 404],
    ['broadcast', { method: 'POST', headers: JSON_TYPE, body: `{"data":"${'x'.repeat(70_000)}"}` }, 413],
  ])('%s %# is refused in JSON', async (path, init, status) => {
    const hub = hubOf()
    const onError = vi.fn()
    const response = await (await open(hub, { onError }))(path, init)
    // A caller's mistake is told to the caller.
    expect([response.status, onError.mock.calls]).toEqual([status, []])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ error: expect.stringMatching(/./) })
    if (status === 405) expect(response.headers.get('allow')).toMatch(/GET|POST/)
    expect(hub.metrics()).toContain('unmissed_published_total 0\n')
  })

  test('a body without a length is bounded too', async () => {
    const hub = hubOf()
    const ask = await open(hub, { maxBody: 1000 })
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled++
        if (pulled > 5000) controller.close()
        else controller.enqueue(new Uint8Array(1000).fill(32))
      },
    })
    const response = await ask('broadcast', {
      method: 'POST',
      headers: JSON_TYPE,
      body,
      duplex: 'half',
    } as RequestInit).catch(() => undefined)
    // A client may find the connection closed before it could send all.
    if (response) expect(response.status).toBe(413)
    if (door === 'web') expect(pulled).toBeLessThan(10)
  })

  test('only who is authorized may, for every route', async () => {
    const hub = hubOf()
    const ask = await open(hub, { authorize: bearer('secret') })
    for (const path of ['stats', 'metrics', 'broadcast', 'nothing']) {
      const response = await ask(path)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect(await response.json()).toHaveProperty('error')
    }
    expect((await ask('stats', { headers: { authorization: 'Bearer secret' } })).status).toBe(200)
    const forbidden = await open(hub, { authorize: async () => ({ status: 403 }) })
    expect((await forbidden('stats')).status).toBe(403)
  })

  test('errors of authorize are ours, not told, and let nobody in', async () => {
    const onError = vi.fn()
    const ask = await open(hubOf(), {
      onError,
      authorize: () => {
        throw new Error('database password wrong')
      },
    })
    const response = await ask('stats')
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('password')])
    expect(onError).toHaveBeenCalledTimes(1)
  })

  test('a caller’s mistake is not told to the hub’s onError either', async () => {
    const onError = vi.fn()
    const hub = createHub({ onError })
    after(() => hub.close())
    const ask = await open(hub)
    const post = (body: string) => ask('broadcast', { method: 'POST', headers: JSON_TYPE, body })
    for (const body of ['{"data":1,"event":"gap"}', '{"data":1,"event":"a\\rb"}', '{"data":1,"user_id":"u"}', '{']) {
      expect((await post(body)).status).toBe(400)
    }
    expect(onError).not.toHaveBeenCalled()
  })

  test('data may be null, false or empty, and the event left out', async () => {
    const hub = hubOf()
    const ask = await open(hub)
    for (const data of ['null', 'false', '0', '""', '[]', '{}']) {
      const body = `{"data":${data}}`
      expect((await ask('broadcast', { method: 'POST', headers: JSON_TYPE, body })).status).toBe(202)
    }
  })

  test('a closed hub is 503, a log that fails is 500', async () => {
    const hub = createHub({ onError: () => {} })
    const ask = await open(hub, { onError: () => {} })
    const post = () => ask('broadcast', { method: 'POST', headers: JSON_TYPE, body: '{"data":1}' })
    vi.spyOn(hub, 'publish').mockRejectedValueOnce(new Error('no connection'))
    expect((await post()).status).toBe(500)
    await hub.close()
    expect((await post()).status).toBe(503)
  })
})

test('takes no options that cannot be meant', () => {
  const authorize = () => true
  for (const options of [
    { authorize: true },
    { authorize, maxBody: -1 },
    { authorize, maxBody: '1mb' },
    { authorize, authorizeTimeout: Number.NaN },
    { authorize, onError: 1 },
    { authorize, secret: 'x' },
  ]) {
    expect(() => adminHandler(createHub(), options as unknown as AdminOptions)).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
  }
})

test('is told clearly what cannot be answered, and rejects nothing', async () => {
  const onError = vi.fn()
  const admin = adminHandler(hubOf(), { onError, authorize: () => true })
  expect((await admin.fetch({ req: {} } as unknown as Request)).status).toBe(500)
  await admin({ headers: {}, socket: {} }, (() => {}) as never)
  expect(onError.mock.calls.map(([{ code }]) => code)).toEqual(['invalid-option', 'invalid-option'])
})

test('does not start without authorize', () => {
  expect(() => adminHandler(createHub(), {} as AdminOptions)).toThrow(/authorize/)
  expect(() => Reflect.apply(adminHandler, undefined, [createHub()])).toThrow(/authorize/)
})

test('what it broadcasts reaches readers', async () => {
  const hub = hubOf()
  const admin = adminHandler(hub, { authorize: () => true })
  const url = await serve((incoming, response) =>
    incoming.url?.startsWith('/admin/') ? admin(incoming, response) : hub.handle(incoming, response, { user: 'u' }),
  )
  const reader = await read(url)
  await until(() => hub.size === 1)
  await fetch(`${url}admin/send-to-user`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: '{"user_id":"u","event":"hi","data":{"a":1}}',
  })
  await reader.until(1)
  expect(reader.events[0]).toMatchObject({ type: 'hi', data: '{"a":1}' })
})

test('takes a body that a middleware has parsed before', async () => {
  const hub = hubOf()
  const admin = adminHandler(hub, { authorize: () => true })
  const url = await serve(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    Object.assign(incoming, { body: JSON.parse(Buffer.concat(chunks).toString()) })
    await admin(incoming, response)
  })
  expect((await fetch(`${url}broadcast`, { method: 'POST', headers: JSON_TYPE, body: '{"data":1}' })).status).toBe(202)
})

test('a body that ends early harms nobody', async () => {
  const hub = hubOf()
  const admin = adminHandler(hub, { authorize: () => true })
  let answered = 0
  const url = await serve(async (incoming, response) => {
    await admin(incoming, response)
    answered++
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    'POST /broadcast HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"da',
  )
  await new Promise((resolve) => setTimeout(resolve, 30))
  socket.destroy()
  await until(() => answered === 1)
  const outgoing = request(`${url}stats`)
  outgoing.end()
  await new Promise((resolve) => outgoing.on('response', (response) => response.resume().on('end', resolve)))
})
