import { connect } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import {
  accept,
  type CloseOptions,
  type CloseReason,
  createHub,
  type HubOptions,
  type PublishOptions,
} from '../../../src/server/index.ts'
import { after, read, serve, serveHub, until } from '../serve.ts'

const invalid = expect.objectContaining({ code: 'invalid-option', name: 'OptionError' })

describe('createHub refuses', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['a number', 1000],
    ['an option that does not exist', { historySize: 10 }],
    ['an option of another name', { backplane: {} }],
    ['a retry that is not whole', { retry: 1000.5 }],
    ['a retry that is negative', { retry: -1 }],
    ['a retry that is text', { retry: '1000' }],
    ['a retry beyond what is exact', { retry: 2 ** 53 }],
    ['a heartbeat that is negative', { heartbeat: -1 }],
    ['a heartbeat that is none', { heartbeat: Number.NaN }],
    ['a heartbeat that is infinite', { heartbeat: Number.POSITIVE_INFINITY }],
    ['a ping of two lines', { ping: 'a\nb' }],
    ['a ping with a CR', { ping: 'a\rb' }],
    ['a ping with NUL', { ping: 'a\0b' }],
    ['an empty ping', { ping: '' }],
    ['a ping that is true', { ping: true }],
    ['a connected event of two lines', { connected: 'a\nb' }],
    ['a connected event that is 1', { connected: 1 }],
    ['a history that is negative', { history: -1 }],
    ['a history that is none', { history: Number.NaN }],
    ['a history that is text', { history: '1000' }],
    ['a bound of the history that does not exist', { history: { size: 10 } }],
    ['a bound of the history that is text', { history: { bytes: '1mb' } }],
    ['a log that is none', { log: {} }],
    ['a log that is null', { log: null }],
    ['all logs in place of one', { log: { open() {} } }],
    ['a time of the log that is infinite', { logTimeout: Number.POSITIVE_INFINITY }],
    ['a policy that does not exist', { slow: 'drop' }],
    ['a policy without its function', { slow: { latest: 'key' } }],
    ['a bound of the queue that is negative', { maxQueued: -1 }],
    ['a bound of the queue that is text', { maxQueued: '1mb' }],
    ['a time to stall that is none', { stallTimeout: Number.NaN }],
    ['a life that is negative', { maxDuration: -1 }],
    ['methods in a text', { methods: 'GET' }],
    ['a method that would inject a header', { methods: ['GET\r\nX: y'] }],
    ['headers in a list', { headers: [['a', 'b']] }],
    ['a header that would inject another', { headers: { 'X-A': 'a\r\nSet-Cookie: b=c' } }],
    ['a header whose name would', { headers: { 'X-A: b\r\nX-B': 'c' } }],
    ['a header that is a number', { headers: { 'X-A': 7 } }],
    ['a header that is not known', { headers: { 'X-A': undefined } }],
    ['a header beyond Latin-1', { headers: { 'X-A': '日本' } }],
    ['an authorize that is true', { authorize: true }],
    ['an authorize that is null', { authorize: null }],
    ['a time to authorize that is negative', { authorizeTimeout: -1 }],
    ['a hook that is none', { onConnect: {} }],
    ['an onError that is none', { onError: 'log' }],
    ['a time of the hooks that is text', { hookTimeout: '1s' }],
    ['limits that are a number', { limits: 100 }],
    ['a limit that does not exist', { limits: { perIp: 1 } }],
    ['a limit that is negative', { limits: { connections: -1 } }],
    ['a limit that is none', { limits: { perUser: Number.NaN } }],
    ['arrivals of none', { limits: { arrivals: 0 } }],
    ['a burst below one', { limits: { burst: 0.5 } }],
    ['no bytes a second', { limits: { bytesPerSecond: 0 } }],
    ['a time to return that is none', { limits: { retryAfter: Number.NaN } }],
    ['a time to return that is infinite', { limits: { retryAfter: Number.POSITIVE_INFINITY } }],
    ['an address that is no function', { limits: { address: '10.0.0.1' } }],
  ])('%s, before any reader comes', (_, options) => {
    expect(() => createHub(options as HubOptions)).toThrow(invalid)
  })
})

test.each<[string, HubOptions]>([
  [
    'whatever is undefined',
    { retry: undefined, heartbeat: undefined, log: undefined, limits: undefined, cors: undefined },
  ],
  ['no bounds', { maxQueued: Number.POSITIVE_INFINITY, history: Number.POSITIVE_INFINITY }],
  ['nothing at all', { heartbeat: 0, stallTimeout: 0, history: 0, maxDuration: 0, retry: 0 }],
  ['limits without bounds', { limits: { connections: Number.POSITIVE_INFINITY, arrivals: Number.POSITIVE_INFINITY } }],
  [
    'times beyond what a timer holds',
    {
      heartbeat: 2 ** 40,
      maxDuration: 2 ** 40,
      stallTimeout: 2 ** 40,
      logTimeout: 2 ** 40,
      authorizeTimeout: 2 ** 40,
      hookTimeout: 2 ** 40,
      authorize: async () => true,
      onConnect: async () => {},
    },
  ],
])('a hub may be made with %s, and serves', async (_, options) => {
  const onError = vi.fn()
  const { hub, join } = await serveHub({ ...options, onError })
  const reader = await join()
  await until(() => hub.size === 1)
  await hub.publish({ data: 'x' })
  await reader.until(1)
  expect(onError).not.toHaveBeenCalled()
})

describe('accept throws', () => {
  test.each<[string, unknown]>([
    ['for an option that does not exist', { heartBeat: 1 }],
    ['for a heartbeat that is none', { heartbeat: Number.NaN }],
    ['for a header that would inject another', { headers: { 'X-A': 'a\nb' } }],
    ['for methods in a text', { methods: 'GET' }],
    ['for a bound that is negative', { maxQueued: -1 }],
    ['for null', null],
  ])('%s, before anything is sent', async (_, options) => {
    expect(() => accept(new Request('http://a/'), options as object)).toThrow(invalid)
    let thrown: unknown
    const url = await serve((request, response) => {
      try {
        accept(request, response, options as object)
      } catch (error) {
        thrown = error
        response.writeHead(500).end()
      }
    })
    expect([(await fetch(url)).status, thrown]).toEqual([500, invalid])
  })
})

describe('close', () => {
  test.each<[string, unknown]>([
    ['a retry that is negative', { retry: -1 }],
    ['a retry that is not whole', { retry: 0.5 }],
    ['a time that is none', { within: Number.NaN }],
    ['a time that is infinite', { within: Number.POSITIVE_INFINITY }],
    ['an option that does not exist', { timeout: 1 }],
  ])('with %s rejects, ends nobody, and can be called again', async (_, options) => {
    const { hub, join } = await serveHub()
    const reader = await join()
    await until(() => hub.size === 1)
    await expect(hub.close(options as CloseOptions)).rejects.toEqual(invalid)
    await hub.publish({ data: 'still here' })
    await reader.until(1)
    await hub.close()
    await reader.ended
    expect(hub.size).toBe(0)
  })

  test('with a retry at the bound of what is exact still says when to return', async () => {
    const { hub, join } = await serveHub()
    const reader = await join({ raw: true })
    await until(() => hub.size === 1)
    await hub.close({ retry: Number.MAX_SAFE_INTEGER })
    await reader.ended
    expect(reader.bytes.toString()).toMatch(/retry: \d+\n/)
  })
})

test.each<[string, unknown]>([
  ['an empty key', { idempotencyKey: '' }],
  ['a key that is a number', { idempotencyKey: 7 }],
  ['an option that does not exist', { key: 'a' }],
])('publish with %s is refused', async (_, options) => {
  const hub = createHub({ onError: () => {} })
  await expect(hub.publish({ data: 1 }, undefined, options as PublishOptions)).rejects.toEqual(invalid)
})

describe('metrics refuse', () => {
  test.each<[string, unknown]>([
    ['a prefix that is no name', { prefix: 'a b' }],
    ['a label whose name would inject', { labels: { 'a="b",c': 'd' } }],
    ['labels in a list', { labels: [] }],
    ['an option that does not exist', { name: 'x' }],
  ])('%s', (_, options) => {
    expect(() => createHub().metrics(options as object)).toThrow(invalid)
  })
})

describe('what goes wrong after the head', () => {
  /** A response whose `write` goes wrong from the so-manieth call on, as a middleware's may. */
  async function broken(from: number) {
    const errors: unknown[] = []
    const reasons: CloseReason[] = []
    const hub = createHub({
      limits: { connections: 2 },
      onError: (error) => errors.push(error),
      onDisconnect: (_, reason) => reasons.push(reason),
    })
    after(() => hub.close({ within: 0 }))
    const url = await serve((request, response) => {
      if (request.url === '/broken') {
        const { write } = response
        let calls = 0
        response.write = ((...args: Parameters<typeof write>) => {
          if (++calls >= from) throw new Error('the middleware’s')
          return Reflect.apply(write, response, args)
        }) as typeof write
      }
      return hub.handle(request, response)
    })
    return { hub, url, errors, reasons }
  }

  test.each([1, 2, 3])(
    'in write %d leaves no stream that nobody owns: it is destroyed, told, and its place is free',
    async (from) => {
      const { hub, url, errors } = await broken(from)
      const good = await read(url)
      await until(() => hub.size === 1)
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      const closed = new Promise((resolve) => socket.on('close', resolve))
      socket.resume().on('error', () => {})
      socket.write('GET /broken HTTP/1.1\r\nHost: a\r\n\r\n')
      for (let n = 0; n < 3; n++) {
        await hub.publish({ data: `${n}` })
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      await closed
      await good.until(3)
      expect(hub.size).toBe(1)
      expect(errors).toEqual([expect.objectContaining({ message: 'the middleware’s' })])
      expect((await read(url)).status).toBe(200)
    },
  )

  test('an odd object as what a hook answers, or as metadata, leaves none either', async () => {
    const { hub, join } = await serveHub(
      { onConnect: () => Object.create(null) as never, connected: true },
      { metadata: Object.create(null) as unknown },
    )
    const reader = await join()
    await reader.until(1)
    expect(hub.stats().states.live).toBe(1)
  })
})
