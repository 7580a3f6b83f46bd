import { describe, expect, test, vi } from 'vitest'
import { createHub, type HubOptions } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

function hubOf(options: HubOptions) {
  const hub = createHub(options)
  after(() => hub.close({ within: 0 }))
  const ask = (address?: string, user?: string) => hub.fetch(new Request('http://a/'), { address, user })
  return {
    hub,
    ask,
    statuses: async (all: Array<Promise<Response>>) => (await Promise.all(all)).map(({ status }) => status),
    /** One after the other. */
    each: async (all: Array<[address?: string | undefined, user?: string]>) => {
      const found = []
      for (const who of all) found.push((await ask(...who)).status)
      return found
    },
  }
}

describe('connections', () => {
  test('beyond the limit are refused with 503 and a time to return, until one ends', async () => {
    const { hub, ask } = hubOf({ limits: { connections: 2, retryAfter: 10 } })
    const first = await ask()
    await ask()
    const refused = await ask()
    expect(refused.status).toBe(503)
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait >= 10 && wait <= 20).toBe(true)
    await first.body?.cancel()
    await until(() => hub.size === 1)
    expect((await ask()).status).toBe(200)
    expect(hub.metrics()).toContain('unmissed_refusals_total{status="503"} 1\n')
  })

  test('of one user and of one address are limited with 429, others are not', async () => {
    const { each } = hubOf({ limits: { perUser: 2, perAddress: 3 } })
    const first = await each([
      ['1', 'u'],
      ['1', 'u'],
      ['1', 'u'],
      ['1', 'v'],
      ['1', 'w'],
    ])
    expect(first).toEqual([200, 200, 429, 200, 429])
    expect(await each([['2', 'u'], ['2', 'x'], [undefined, 'y'], []])).toEqual([429, 200, 200, 200])
  })

  test('that wait for authorize count, and are given back when it refuses', async () => {
    let answer: (agreed: boolean) => void = () => {}
    const { ask } = hubOf({
      limits: { connections: 1 },
      authorize: () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    })
    const waiting = ask()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await ask()).status).toBe(503)
    answer(false)
    expect((await waiting).status).toBe(401)
    const next = ask()
    await new Promise((resolve) => setTimeout(resolve, 5))
    answer(true)
    expect((await next).status).toBe(200)
  })

  test('come from where the application says, behind a proxy', async () => {
    const { hub, join } = await serveHub({
      limits: { perAddress: 1, address: (request) => request.header('x-forwarded-for')?.split(',').at(-1)?.trim() },
    })
    const from = (address: string) => join({ headers: { 'x-forwarded-for': address } })
    expect((await from('spoofed, 10.0.0.1')).status).toBe(200)
    expect((await from('other, 10.0.0.1')).status).toBe(429)
    expect((await from('10.0.0.2')).status).toBe(200)
    expect(hub.size).toBe(2)
  })

  test('come from the socket’s address in Node', async () => {
    const { join } = await serveHub({ limits: { perAddress: 1 } })
    expect([(await join()).status, (await join()).status]).toEqual([200, 429])
  })
})

describe('an address of IPv6', () => {
  test.each<[string, string, boolean]>([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
    ['2001:db8:1:2::1', '2001:0DB8:0001:0002:0:0:0:9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['2001:db8::1', '2001:db8:0:0:1::', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
    ['::1', '::2', true],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['::ffff:0a00:0001', '10.0.0.1', true],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.2', false],
    ['10.0.0.1', '10.0.0.2', false],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::9', true],
    ['unix socket', 'unix socket', true],
    ['10.0.0.1:50123', '10.0.0.1', true],
    ['1:2:3', '1:2:3', true],
    ['::ffff:10.0.0.1', '2001:db8::1', false],
  ])('%s and %s are one subscriber’s: %s', async (one, other, same) => {
    const { each } = hubOf({ limits: { perAddress: 1 } })
    expect(await each([[one], [other]])).toEqual(same ? [200, 429] : [200, 200])
  })
})

test('an address that the application cannot tell is not limited, nor is it one that is shared', async () => {
  const onError = vi.fn()
  const hub = createHub({ onError, limits: { perAddress: 1, address: () => undefined } })
  after(() => hub.close({ within: 0 }))
  const ask = async () => (await hub.fetch(new Request('http://a/'))).status
  expect([await ask(), await ask(), onError.mock.calls]).toEqual([200, 200, []])
})

test.each([
  ['null', () => null],
  ['a number', () => 7],
  ['a promise', async () => '10.0.0.1'],
])('an address that is %s is a mistake of the program: 500, and told', async (_, address) => {
  const onError = vi.fn()
  const hub = createHub({ onError, limits: { perAddress: 1, address: address as unknown as () => string } })
  after(() => hub.close({ within: 0 }))
  expect([(await hub.fetch(new Request('http://a/'))).status, hub.size]).toEqual([500, 0])
  expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'invalid-option' }))
})

describe('arrivals', () => {
  test('are let in at a rate, after a burst', async () => {
    const { ask, statuses } = hubOf({ limits: { arrivals: 50, burst: 3 } })
    const many = (count: number) => statuses(Array.from({ length: count }, () => ask()))
    expect((await many(10)).filter((status) => status === 200)).toHaveLength(3)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const later = (await many(10)).filter((status) => status === 200)
    expect(later.length).toBeGreaterThanOrEqual(2)
    expect(later.length).toBeLessThanOrEqual(3)
  })

  test('are counted from the second one on with a rate below one a second', async () => {
    const { ask, statuses } = hubOf({ limits: { arrivals: 0.1 } })
    expect(await statuses([ask(), ask()])).toEqual([200, 503])
  })
})

test('refusals are told to onRefuse, without an effect on the answer', async () => {
  const heard: unknown[] = []
  const { ask } = hubOf({
    limits: { connections: 0 },
    onRefuse: ({ status }, { method, raw }) => heard.push([status, method, raw instanceof Request]),
  })
  expect((await ask()).status).toBe(503)
  expect(heard).toEqual([[503, 'GET', true]])
})
