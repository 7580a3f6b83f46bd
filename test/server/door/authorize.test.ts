import { describe, expect, test, vi } from 'vitest'
import { type Authorize, bearer, createHub, type HubOptions, type Subscription } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

function hubOf(authorize: Authorize, options: HubOptions = {}) {
  const hub = createHub({ authorize, ...options })
  after(() => hub.close({ within: 0 }))
  const ask = (subscription?: Subscription, headers: Record<string, string> = {}, path = '') =>
    hub.fetch(new Request(`http://a/${path}`, { headers }), subscription)
  return { hub, ask }
}

describe('authorize', () => {
  test('decides before anything is sent', async () => {
    let agree: (value: boolean) => void = () => {}
    const { url, hub } = await serveHub({
      authorize: () =>
        new Promise((resolve) => {
          agree = resolve
        }),
    })
    let answered = false
    const response = fetch(url).then((answer) => {
      answered = true
      return answer
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([answered, hub.size]).toEqual([false, 0])
    agree(true)
    const { status, body } = await response
    expect(status).toBe(200)
    await body?.cancel()
  })

  test.each([
    [false, 401],
    [undefined, 401],
    [{ status: 403, message: 'no' }, 403],
    [{ status: 204 }, 204],
    [{ expires: 0 }, 401],
    [{ expires: Number.NaN }, 401],
    [{ expires: new Date(Date.now() - 1) }, 401],
    [true, 200],
    [{}, 200],
    [{ expires: new Date(Date.now() + 60_000) }, 200],
  ])('answers what it says: %j is %s', async (answer, status) => {
    const { ask, hub } = hubOf(() => answer)
    const response = await ask()
    expect(response.status).toBe(status)
    expect(hub.size).toBe(status === 200 ? 1 : 0)
    if (status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('that throws lets nobody in, and is reported', async () => {
    const onError = vi.fn()
    for (const authorize of [
      () => {
        throw new Error('mine')
      },
      async () => Promise.reject(new Error('mine')),
    ]) {
      const { ask, hub } = hubOf(authorize, { onError })
      expect([(await ask()).status, hub.size]).toEqual([503, 0])
    }
    expect(onError).toHaveBeenCalledTimes(2)
  })

  test('gives the user, topics, filter and metadata', async () => {
    const { hub, ask } = hubOf(() => ({
      user: 'u',
      topics: ['a', 'b'],
      metadata: 1,
      filter: ({ data }) => data !== 'hidden',
    }))
    const response = await ask({ user: 'ignored', metadata: 0, filter: ({ data }) => data !== 'unwanted' })
    const [subscriber] = hub.subscribers()
    expect(subscriber).toMatchObject({ user: 'u', topics: ['a', 'b'], metadata: 1 })
    for (const data of ['hidden', 'unwanted', 'seen']) await hub.publish({ data }, { topic: 'b' })
    await hub.close()
    const text = await response.text()
    expect(text.match(/data: .*/g)).toEqual(['data: seen'])
  })

  test('keeps what the subscription asks for within what was granted', async () => {
    const { hub, ask } = hubOf(() => ({ topics: ['a', 'b'] }))
    expect((await ask({ topics: ['a'] })).status).toBe(200)
    expect((await ask({ topics: ['a', 'c'] })).status).toBe(403)
    expect([...hub.subscribers()].map(({ topics }) => topics)).toEqual([['a']])
  })

  test('ends the connection when the grant ends', async () => {
    const reasons: string[] = []
    const { ask } = hubOf(() => ({ expires: Date.now() + 100 }), { onDisconnect: (_, reason) => reasons.push(reason) })
    const start = performance.now()
    await (await ask()).text()
    expect(performance.now() - start).toBeGreaterThan(90)
    expect(reasons).toEqual(['expired'])
  })

  test('decides anew what a resume may see', async () => {
    let topics = ['a', 'b']
    const { hub, ask } = hubOf(() => ({ topics }))
    const { id } = await hub.publish({ data: 'start' })
    await hub.publish({ data: 'a' }, { topic: 'a' })
    await hub.publish({ data: 'b' }, { topic: 'b' })
    topics = ['a']
    const response = await ask({}, { 'last-event-id': id })
    await until(() => hub.stats().states.live === 1)
    await hub.close()
    expect((await response.text()).match(/data: .*/g)).toEqual(['data: a'])
  })

  test('a reader that leaves while it decides leaves nothing behind', async () => {
    let agree: (value: boolean) => void = () => {}
    const { hub, join, url } = await serveHub({
      limits: { connections: 1 },
      authorize: ({ url }) =>
        url === '/second' ||
        new Promise((resolve) => {
          agree = resolve
        }),
    })
    const controller = new AbortController()
    const left = fetch(url, { signal: controller.signal }).catch(() => 'left')
    await new Promise((resolve) => setTimeout(resolve, 30))
    controller.abort()
    expect(await left).toBe('left')
    await new Promise((resolve) => setTimeout(resolve, 30))
    agree(true)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(hub.size).toBe(0)
    expect((await join({ path: 'second' })).status).toBe(200)
  })
})

describe('bearer', () => {
  const header = (value: string) => ({ authorization: value })

  test.each([
    [{}, 401],
    [header('Bearer one'), 200],
    [header('bearer   two '), 200],
    [header('Bearer three'), 401],
    [header('Bearer on'), 401],
    [header('Bearer onee'), 401],
    [header('Basic one'), 401],
    [header('Bearer '), 401],
    [header('one'), 401],
  ])('takes one of its secrets: %j is %s', async (headers, status) => {
    const { ask } = hubOf(bearer(['one', 'two']))
    expect((await ask({}, headers as Record<string, string>)).status).toBe(status)
  })

  test('never takes an empty secret, which an unset variable gives', async () => {
    const { ask } = hubOf(bearer(''))
    expect((await ask()).status).toBe(401)
    expect((await ask({}, header('Bearer '))).status).toBe(401)
    expect((await ask({}, header('Bearer undefined'))).status).toBe(401)
  })

  test('hands the token to a function', async () => {
    const { hub, ask } = hubOf(bearer(async (token) => (token === 't' ? { user: 'u' } : { status: 403 })))
    expect((await ask({}, header('Bearer t'))).status).toBe(200)
    expect([...hub.subscribers()][0]?.user).toBe('u')
    expect((await ask({}, header('Bearer x'))).status).toBe(403)
  })

  test('takes the token from the query only if it is told to', async () => {
    expect((await hubOf(bearer('t')).ask({}, {}, '?token=t')).status).toBe(401)
    const { ask } = hubOf(bearer('t', { query: 'token' }))
    expect((await ask({}, {}, '?token=t')).status).toBe(200)
    expect((await ask({}, {}, '?token=x')).status).toBe(401)
    // The header is the better one.
    expect((await ask({}, header('Bearer x'), '?token=t')).status).toBe(401)
  })

  test('a token is never logged by us', async () => {
    const logged: unknown[] = []
    for (const method of ['log', 'error', 'warn', 'info', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...args) => void logged.push(args))
    }
    const { ask } = hubOf(
      bearer(
        () => {
          throw new Error('mine')
        },
        { query: 'token' },
      ),
    )
    await ask({}, {}, '?token=s3cret')
    expect(logged).toHaveLength(1)
    expect(JSON.stringify(logged, (_, value) => (value instanceof Error ? value.stack : value))).not.toContain('s3cret')
  })
})
