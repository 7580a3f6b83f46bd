import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Live } from '../../src/client/store/live.ts'
import { createStore } from '../../src/client/store/store.ts'
import { ConnectError, type Connection, type ConnectOptions, connect } from '../../src/index.ts'
import { createHub, createRuns, type Hub, type HubOptions } from '../../src/server/index.ts'
import { type ShareOptions, shared } from '../../src/share/index.ts'
import { Tail } from '../../src/share/tail.ts'
import { Locks } from '../helpers/locks.ts'
import { after, serve as serveWith, until } from '../server/serve.ts'

// One connection for all who share it: over real HTTP and a real BroadcastChannel; only the locks are a stand-in, because
// not every Node has them. What is true of real tabs is asked of real browsers.

let locks: Locks
beforeEach(() => {
  locks = new Locks()
  vi.stubGlobal('navigator', { locks })
})

async function serve(options: HubOptions = {}) {
  const hub: Hub = createHub(options)
  after(() => hub.close({ within: 0 }))
  const asked: { url: string; lastEventId: string | undefined }[] = []
  const url = await serveWith((request, response) => {
    asked.push({ url: request.url ?? '', lastEventId: request.headers['last-event-id'] as string | undefined })
    void hub.handle(request, response)
  })
  return { hub, url, asked }
}

interface Tab {
  readonly connection: Connection
  readonly heard: string[]
  readonly gaps: unknown[]
}

let names = 0
function open(url: string, options: ConnectOptions & { sharing?: ShareOptions; name?: string } = {}): Tab {
  const { sharing, name = `name ${names}`, ...rest } = options
  const heard: string[] = []
  const gaps: unknown[] = []
  const connection = connect(url, {
    retry: { base: 20, max: 50 },
    onGap: (gap) => gaps.push(gap),
    ...(rest as object),
    share: shared(name, { heartbeat: 200, ...sharing }),
  })
  connection.on(({ data }) => heard.push(data))
  after(() => connection.close())
  return { connection, heard, gaps }
}

async function openAll(count: number, url: string, options: Parameters<typeof open>[1] = {}): Promise<Tab[]> {
  const tabs: Tab[] = []
  for (let n = 0; n < count; n++) {
    tabs.push(open(url, options))
    await tabs[n]?.connection.opened
  }
  return tabs
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => String(from + n))
beforeEach(() => {
  names++
})

describe('a shared connection', () => {
  test('is one, whoever shares it, and each hears every event once and in order', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(10, url)
    expect(hub.size).toBe(1)
    for (const n of numbers(1, 50)) await hub.publish({ data: n })
    await until(() => tabs.every(({ heard }) => heard.length === 50))
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(10).fill(numbers(1, 50)))
    expect(new Set(tabs.map(({ connection }) => connection.lastEventId)).size).toBe(1)
    expect(tabs.map(({ connection }) => connection.state)).toEqual(Array(10).fill('open'))
  })

  test('goes on without a loss when its leader leaves, in the middle of a stream, each time', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(6, url)
    let published = 0
    const timer = setInterval(() => void hub.publish({ data: String(++published) }), 2)
    for (let n = 0; n < 5; n++) {
      await sleep(60)
      tabs[n]?.connection.close()
    }
    await sleep(60)
    clearInterval(timer)
    const last = tabs[5] as Tab
    await until(() => last.heard.length === published)
    expect(last.heard).toEqual(numbers(1, published))
    expect(last.gaps).toEqual([])
    expect(hub.size).toBe(1)
  })

  test('ends with the last one', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url)
    tabs[1]?.connection.close()
    tabs[0]?.connection.close()
    await until(() => hub.size === 1)
    await sleep(50)
    expect(hub.size).toBe(1)
    tabs[2]?.connection.close()
    await until(() => hub.size === 0)
  })
})

describe('a tab that comes later', () => {
  test('hears what comes from then on, or what came after its id, or all', async () => {
    const { hub, url } = await serve({ history: 10 })
    const [first] = await openAll(1, url)
    const ids: string[] = []
    for (const n of numbers(1, 6)) ids.push((await hub.publish({ data: n })).id)
    await until(() => first?.heard.length === 6)
    const later = open(url)
    const after = open(url, { lastEventId: ids[2] })
    const whole = open(url, { sharing: { whole: true } })
    await Promise.all([later, after, whole].map(({ connection }) => connection.opened))
    await hub.publish({ data: '7' })
    await until(() => later.heard.length === 1 && after.heard.length === 4 && whole.heard.length === 7)
    expect([later.heard, after.heard, whole.heard]).toEqual([['7'], numbers(4, 7), numbers(1, 7)])
    expect(hub.size).toBe(1)
  })

  test('and lacks more than the others have kept reads that by itself, until it meets them', async () => {
    const { hub, url, asked } = await serve()
    const [first] = await openAll(1, url, { sharing: { maxEvents: 5 } })
    const ids: string[] = []
    for (const n of numbers(1, 30)) ids.push((await hub.publish({ data: n })).id)
    await until(() => first?.heard.length === 30)
    const late = open(url, { lastEventId: ids[3] })
    await until(() => late.heard.length === 26)
    expect(late.heard).toEqual(numbers(5, 30))
    await until(() => hub.size === 1)
    for (const n of numbers(31, 35)) await hub.publish({ data: n })
    await until(() => late.heard.length === 31)
    expect([late.heard, late.gaps]).toEqual([numbers(5, 35), []])
    expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, ids[3]])
  })

  test('takes over where nothing has come yet', async () => {
    const { hub, url, asked } = await serve()
    const [first, second] = await openAll(2, url)
    const { id } = await hub.publish({ data: 'to nobody' }, { user: 'nobody' })
    await sleep(30)
    const before = first?.connection.lastEventId
    first?.connection.close()
    await until(() => asked.length === 2)
    expect(asked[1]?.lastEventId).toBe(before)
    expect(id).not.toBe(before)
    await hub.publish({ data: '1' })
    await until(() => second?.heard.length === 1)
  })

  test('waits for the id that it has kept', async () => {
    const { hub, url } = await serve()
    const [first] = await openAll(1, url)
    const ids: string[] = []
    for (const n of numbers(1, 4)) ids.push((await hub.publish({ data: n })).id)
    await until(() => first?.heard.length === 4)
    const saved: string[] = []
    const late = open(url, {
      resume: { load: () => sleep(20, ids[1]), save: (id) => void saved.push(id) },
    })
    await until(() => late.heard.length === 2)
    expect(late.heard).toEqual(['3', '4'])
    await until(() => saved.at(-1) === ids[3])
  })
})

describe('what is everybody’s', () => {
  test.each([
    ['a 204', (_: number) => 204, 'stopped'],
    ['a status that is final', (_: number) => 404, 'failed'],
  ])('is the end: %s', async (_, statusOf, reason) => {
    let count = 0
    const url = await serveWith((_, response) => {
      if (count++ === 0) {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 20\n\ndata: a\n\n')
        setTimeout(() => response.end(), 60)
      } else response.writeHead(statusOf(count)).end('no')
    })
    const errors: unknown[][] = []
    const tabs = await openAll(3, url, { onError: (error) => errors.push([error.code, error.status]) })
    expect(await Promise.all(tabs.map(({ connection }) => connection.closed))).toEqual(Array(3).fill(reason))
    await sleep(150)
    expect(count).toBe(2)
    if (reason === 'failed')
      expect(errors.filter(([code]) => code === 'status')).toEqual(Array(3).fill(['status', 404]))
  })

  test('is what the server asks to wait: another tab that takes over waits for the rest of it', async () => {
    const times: number[] = []
    const url = await serveWith((_, response) => {
      times.push(performance.now())
      if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end('later')
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 700\n\ndata: a\n\n')
      if (times.length === 2) setTimeout(() => response.end(), 100)
    })
    const options = { onError: () => {}, retry: { base: 20, max: 50, jitter: false } }
    const tabs = [open(url, options), open(url, options), open(url, options)]
    await until(() => tabs.every(({ connection }) => connection.state === 'waiting'))
    tabs[0]?.connection.close()
    await until(() => times.length === 2)
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(990)
    // The reconnection time that the server named is everybody's, too.
    await until(() => tabs[2]?.heard.length === 1 && tabs[2].connection.state === 'waiting')
    const ended = performance.now()
    tabs[1]?.connection.close()
    await until(() => times.length === 3)
    expect(performance.now() - ended).toBeGreaterThan(600)
  })

  test('is until: what ends it for one ends it for all, and is given to nobody', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url, { until: '[DONE]' })
    await hub.publish({ data: '1' })
    await hub.publish({ data: '[DONE]' })
    expect(await Promise.all(tabs.map(({ connection }) => connection.closed))).toEqual(Array(3).fill('ended'))
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(3).fill(['1']))
    await until(() => hub.size === 0)
    await sleep(200)
    expect(hub.size).toBe(0)
  })

  test('is each state, with its error, and the waiting', async () => {
    let isDown = true
    const { hub, url } = await serve()
    const states: string[][] = [[], [], []]
    const codes: string[][] = [[], [], []]
    const down: typeof fetch = (input, init) => (isDown ? Promise.reject(new TypeError('down')) : fetch(input, init))
    const tabs = states.map((list, n) =>
      open(url, {
        fetch: down as never,
        onState: ({ state }) => list.push(state),
        onError: ({ code }) => codes[n]?.push(code),
      }),
    )
    await until(() => codes.every((list) => list.length >= 3))
    isDown = false
    await until(() => tabs.every(({ connection }) => connection.state === 'open'))
    expect(states.map((list) => list.at(-1))).toEqual(['open', 'open', 'open'])
    for (const list of states.slice(1)) expect(list).toEqual(expect.arrayContaining(['waiting', 'connecting', 'open']))
    expect(new Set(codes.flat())).toEqual(new Set(['network']))
    expect(tabs.map(({ connection }) => connection.snapshot.error)).toEqual([undefined, undefined, undefined])
    expect(hub.size).toBe(1)
  })

  test('is an error, with what its answer was, and no more', async () => {
    const url = await serveWith((_, response) => {
      response.writeHead(503, { 'retry-after': '0', 'x-reason': 'full' }).end('come back')
    })
    const errors: ConnectError[][] = [[], []]
    const tabs = errors.map((list) =>
      open(url, {
        onError: (error) => {
          // What somebody hangs on it does not travel.
          Object.assign(error, { mine: () => {} })
          list.push(error)
        },
      }),
    )
    await until(() => errors.every((list) => list.length > 2))
    for (const [error] of errors) {
      const { code, status, body, headers, retryable } = error as ConnectError
      expect([code, status, body, headers?.get('x-reason'), retryable]).toEqual([
        'status',
        503,
        'come back',
        'full',
        true,
      ])
      expect(error).toBeInstanceOf(ConnectError)
      expect(error?.message).toContain('status 503')
    }
    expect(tabs.map(({ connection }) => connection.state === 'closed')).toEqual([false, false])
  })

  test('is a new attempt that any of them wants', async () => {
    const { hub, url, asked } = await serve()
    const tabs = await openAll(3, url)
    await hub.publish({ data: '1' })
    await until(() => tabs.every(({ heard }) => heard.length === 1))
    tabs[2]?.connection.reconnect()
    await until(() => asked.length === 2)
    await until(() => tabs.every(({ connection }) => connection.state === 'open'))
    await hub.publish({ data: '2' })
    await until(() => tabs.every(({ heard }) => heard.length === 2))
  })

  test('is a gap', async () => {
    const { hub, url } = await serve({ history: 2 })
    const tabs = await openAll(3, url)
    await hub.publish({ data: '1' })
    await until(() => tabs.every(({ heard }) => heard.length === 1))
    for (const tab of tabs) tab.connection.pause()
    await until(() => hub.size === 0)
    for (const n of numbers(2, 9)) await hub.publish({ data: n })
    for (const tab of tabs) tab.connection.unpause()
    await until(() => tabs.every(({ gaps }) => gaps.length > 0))
    await hub.publish({ data: '10' })
    await until(() => tabs.every(({ heard }) => heard.at(-1) === '10'))
    expect(tabs.map(({ gaps }) => gaps.length)).toEqual([1, 1, 1])
    expect(hub.size).toBe(1)
  })

  test('is the token: only the tab that leads is asked for it', async () => {
    let token = 'old'
    const { hub, url } = await serve({ authorize: (request) => request.header('authorization') === 'new' })
    const calls = [0, 0]
    const tabs = [0, 1].map((n) =>
      open(url, {
        headers: () => ({ authorization: token }),
        onUnauthorized: () => {
          calls[n] = (calls[n] ?? 0) + 1
          token = 'new'
        },
      }),
    )
    await Promise.all(tabs.map(({ connection }) => connection.opened))
    expect(calls).toEqual([1, 0])
    expect(hub.size).toBe(1)
  })
})

describe('what is each tab’s own', () => {
  test('is its pause: it stays away, and comes back without a loss', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url)
    // Of the one that leads, too.
    for (const each of [tabs[0], tabs[2]] as Tab[]) {
      const { connection } = each
      connection.pause()
      const before = each.heard.length
      for (const n of numbers(1, 10)) await hub.publish({ data: n })
      await until(() => tabs.filter((tab) => tab !== each).every(({ heard }) => heard.length % 10 === 0))
      expect([connection.state, each.heard.length]).toEqual(['paused', before])
      connection.unpause()
      await until(() => each.heard.length === before + 10)
      await until(() => tabs.every(({ heard }) => heard.length === before + 10))
    }
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(3).fill([...numbers(1, 10), ...numbers(1, 10)]))
    expect(hub.size).toBe(1)
  })

  test('is its pace: one that is slow slows nobody, and is told what was too much', async () => {
    const { hub, url } = await serve()
    const [first] = await openAll(1, url, { sharing: { maxEvents: 20 } })
    const slow = open(url, { highWaterMark: 1, sharing: { maxEvents: 20 } })
    await slow.connection.opened
    const taken: string[] = []
    let isOpen = false
    const loop = (async () => {
      for await (const { data } of slow.connection.iterate('message')) {
        taken.push(data)
        while (!isOpen) await sleep(5)
      }
    })()
    await hub.publish({ data: '0' })
    await until(() => taken.length === 1)
    for (const n of numbers(1, 100)) await hub.publish({ data: n })
    await until(() => first?.heard.length === 101)
    isOpen = true
    await until(() => taken.at(-1) === '100')
    slow.connection.close()
    await loop
    expect(slow.gaps).toHaveLength(1)
    expect(taken.slice(-20)).toEqual(numbers(81, 100))
    expect(taken.length).toBeLessThan(30)
  })

  test('is how it shows it: a component shares it with all others', async () => {
    const { hub, url } = await serve()
    const [first] = await openAll(1, url)
    const live = {
      url,
      share: shared(`name ${names}`),
      reduce: (sum: unknown, { data }: { data: unknown }) => `${sum}${data}`,
      initial: '',
    }
    const store = createStore(live as Live)
    after(store.subscribe(() => {}))
    await until(() => store.getSnapshot().state === 'open')
    for (const n of numbers(1, 3)) await hub.publish({ data: n })
    await until(() => store.getSnapshot().data === '123' && first?.heard.length === 3)
    expect(hub.size).toBe(1)
  })

  test('are its types, and what it makes of them', async () => {
    const { hub, url } = await serve()
    const [first] = await openAll(1, url)
    const json = connect<{ tick: { price: number } }>(url, { parse: 'json', share: shared(`name ${names}`) })
    after(() => json.close())
    const prices: number[] = []
    json.on('tick', ({ data }) => prices.push(data.price))
    await json.opened
    await hub.publish({ type: 'tick', data: { price: 3 } })
    await until(() => prices.length === 1 && first?.heard.length === 1)
    expect([prices, first?.heard]).toEqual([[3], ['{"price":3}']])
  })
})

describe('what is kept for the others', () => {
  test.each([
    ['no event', { maxEvents: 0 }],
    ['no text', { maxSize: 0 }],
    ['both', { maxEvents: 0, maxSize: 0 }],
  ])('is never less than what comes: %s', async (_, sharing) => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url, { sharing })
    await Promise.all(numbers(1, 20).map((n) => hub.publish({ data: n })))
    await until(() => tabs.every(({ heard }) => heard.length === 20))
    expect(tabs.map(({ gaps }) => gaps)).toEqual([[], [], []])
  })

  test.each([
    ['events', 5, 1e9, 5],
    ['text', 1e9, 1000, 1],
  ])('is bounded by its %s', (_, most, longest, left) => {
    const tail = new Tail(most, longest)
    for (let at = 1; at <= 100; at++) {
      tail.push({ at, id: `${at}`, event: { type: 'message', data: 'x'.repeat(600), id: `${at}` } })
    }
    expect(tail.after(0).length).toBe(left)
    expect([tail.base, tail.last].map(({ at }) => at)).toEqual([100 - left, 100])
  })

  test('is found by its number and id, else by the first with this id', () => {
    const tail = new Tail(10, 1e9)
    tail.reset({ at: 3, id: 'c' })
    for (const [at, id] of [
      [4, 'd'],
      [5, 'd'],
      [6, 'f'],
    ] as const)
      tail.push({ at, id })
    expect([tail.find(5, 'd'), tail.find(9, 'd'), tail.find(undefined, 'c'), tail.find(6, 'x')]).toEqual([
      5,
      4,
      3,
      undefined,
    ])
    tail.move('g')
    expect([tail.find(6, 'g'), tail.find(6, 'f'), tail.find(undefined, 'g')]).toEqual([6, 6, 6])
    tail.cut({ at: 4, id: 'd' })
    expect([tail.last, tail.after(3).length]).toEqual([{ at: 4, id: 'd' }, 1])
    expect(tail.since({ at: undefined, id: '' }, false)).toEqual([])
    expect(tail.since({ at: undefined, id: '' }, true)).toBe(undefined)
  })
})

describe('servers of others', () => {
  async function serveOthers(write: (n: number) => string, answer: (lastEventId: number) => number) {
    const responses = new Set<ServerResponse>()
    const asked: (string | undefined)[] = []
    let last = 0
    const url = await serveWith((request, response) => {
      const id = request.headers['last-event-id'] as string | undefined
      asked.push(id)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n')
      if (id !== undefined) for (let n = answer(Number(id)) + 1; n <= last; n++) response.write(write(n))
      responses.add(response)
      response.on('close', () => responses.delete(response))
    })
    const publish = () => {
      last++
      for (const response of responses) response.write(write(last))
    }
    return { url, asked, responses, publish }
  }

  test('whose events have no ids: what comes is heard once by all, also after a hand-over', async () => {
    const { url, publish, responses } = await serveOthers((n) => `data: ${n}\n\n`, Number)
    const tabs = await openAll(4, url)
    for (let n = 0; n < 5; n++) publish()
    await until(() => tabs.every(({ heard }) => heard.length === 5))
    tabs[0]?.connection.close()
    await until(() => responses.size === 1 && tabs.slice(1).every(({ connection }) => connection.state === 'open'))
    await sleep(20)
    for (let n = 0; n < 5; n++) publish()
    await until(() => tabs.slice(1).every(({ heard }) => heard.length === 10))
    const [late] = await openAll(1, url)
    publish()
    await until(() => tabs.slice(1).every(({ heard }) => heard.length === 11) && late?.heard.length === 1)
    expect(tabs.map(({ heard }) => heard)).toEqual([numbers(1, 5), ...Array(3).fill(numbers(1, 11))])
    expect([late?.heard, responses.size]).toEqual([['11'], 1])
    expect([...tabs, late].map((tab) => tab?.gaps)).toEqual([[], [], [], [], []])
  })

  test('whose ids are in the data: the cursor finds them for whoever takes over', async () => {
    const { url, publish, asked } = await serveOthers((n) => `data: {"at":${n}}\n\n`, Number)
    const urls: string[] = []
    let looks = 0
    const tabs = await openAll(3, url, {
      cursor: ({ data }) => {
        looks++
        return String(JSON.parse(data).at)
      },
      lastEventIdParam: 'after',
      fetch: ((input: string, init: RequestInit) => {
        urls.push(input)
        return fetch(input, init)
      }) as never,
    })
    for (let n = 0; n < 5; n++) publish()
    await until(() => tabs.every(({ heard }) => heard.length === 5))
    // The one that leads finds each once, for all.
    expect(looks).toBe(5)
    tabs[0]?.connection.close()
    await until(() => asked.length === 2)
    expect(urls.map((each) => new URL(each).searchParams.get('after'))).toEqual([null, '5'])
  })

  test('who give several events one id: none is lost at a hand-over', async () => {
    // 1a 1b 2a 2b …: the id says that its first event was had.
    const { url, publish } = await serveOthers(
      (n) => `id: ${Math.ceil(n / 2)}\ndata: ${n}\n\n`,
      (id) => id * 2 - 1,
    )
    const tabs = await openAll(3, url)
    for (let n = 0; n < 6; n++) publish()
    await until(() => tabs.every(({ heard }) => heard.length === 6))
    tabs[0]?.connection.close()
    for (let n = 0; n < 4; n++) publish()
    await until(() => tabs.slice(1).every(({ heard }) => heard.at(-1) === '10'))
    for (const { heard } of tabs.slice(1)) expect([...new Set(heard)]).toEqual(numbers(1, 10))
  })
})

describe('a request that may not be sent twice', () => {
  test('is sent once for all, and not again when the tab that sent it has gone', async () => {
    const posts: string[] = []
    const url = await serveWith(async (request, response) => {
      for await (const chunk of request) posts.push(String(chunk))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: a\n\n')
    })
    const errors: string[] = []
    const options = {
      method: 'POST',
      body: 'question',
      retry: undefined,
      onError: ({ code }: { code: string }) => errors.push(code),
    }
    const tabs = await openAll(3, url, options)
    tabs[0]?.connection.close()
    expect(await Promise.all(tabs.slice(1).map(({ connection }) => connection.closed))).toEqual(['failed', 'failed'])
    expect([posts, errors]).toEqual([['question'], ['ended', 'ended']])
  })
})

describe('a run', () => {
  async function serveRun() {
    const runs = createRuns({ authorize: 'anyone', retry: 20 })
    after(() => runs.close({ within: 0 }))
    const requests: string[] = []
    const url = await serveWith(async (request, response) => {
      const { method, url = '' } = request
      requests.push(`${method} ${url}`)
      let body = ''
      for await (const chunk of request) body += chunk
      const id = method === 'POST' ? body : url.split('/')[2]
      if (method === 'POST') {
        await runs.start(id, async ({ send }) => {
          for (const n of numbers(1, 60)) {
            await send(n)
            await sleep(5)
          }
          return 'done'
        })
      }
      await runs.handle(request, response, `${id}`)
    })
    return { url: `${url}chat`, requests }
  }
  const question = { method: 'POST', body: 'q1', retry: undefined }

  test('is begun once, had whole by whoever comes later, and ends for all', async () => {
    const { url, requests } = await serveRun()
    const first = open(url, question)
    await until(() => first.heard.length >= 10)
    const second = open(url, question)
    const tabs = [first, second]
    expect(await Promise.all(tabs.map(({ connection }) => connection.closed))).toEqual(['ended', 'ended'])
    expect(tabs.map(({ heard }) => heard)).toEqual([numbers(1, 60), numbers(1, 60)])
    expect(tabs.map(({ connection }) => connection.outcome)).toEqual(
      Array(2).fill({ state: 'finished', value: 'done' }),
    )
    expect(requests).toEqual(['POST /chat'])
  })

  test('goes on by GET when the tab has gone that began it', async () => {
    const { url, requests } = await serveRun()
    const first = open(url, question)
    await first.connection.opened
    const second = open(url, question)
    await until(() => second.heard.length >= 10)
    first.connection.close()
    expect(await second.connection.closed).toBe('ended')
    expect(second.heard).toEqual(numbers(1, 60))
    expect(requests).toEqual(['POST /chat', 'GET /chat/q1'])
  })
})

describe('where nothing can be shared', () => {
  test.each([
    ['there are no locks', () => vi.stubGlobal('navigator', {})],
    ['there are no channels', () => vi.stubGlobal('BroadcastChannel', undefined)],
    [
      'the page may have no channel',
      () =>
        vi.stubGlobal(
          'BroadcastChannel',
          class {
            constructor() {
              throw new DOMException('no', 'SecurityError')
            }
          },
        ),
    ],
    ['the page may have no lock', () => Object.assign(locks, { refusal: new DOMException('no', 'SecurityError') })],
  ])('each connects by itself: %s', async (_, prepare) => {
    prepare()
    const { hub, url } = await serve()
    const tabs = await openAll(2, url)
    expect(hub.size).toBe(2)
    await hub.publish({ data: '1' })
    await until(() => tabs.every(({ heard }) => heard.length === 1))
    for (const { connection } of tabs) connection.close()
    await until(() => hub.size === 0)
  })

  test.each([
    ['scope', { sharing: { scope: 'ann' } }, { sharing: { scope: 'bob' } }],
    ['name', { name: 'a' }, { name: 'b' }],
    ['credentials', { credentials: 'include' as const }, { credentials: 'omit' as const }],
  ])('nothing is: of another %s', async (_, one, other) => {
    const { hub, url } = await serve()
    const tabs = [open(url, one), open(url, other)]
    await Promise.all(tabs.map(({ connection }) => connection.opened))
    expect(hub.size).toBe(2)
  })
})

describe('what else may happen', () => {
  test('one that was away while all others left, and new ones came, lacks nothing', async () => {
    const { hub, url } = await serve({ history: 100 })
    const [away, gone] = (await openAll(2, url)) as [Tab, Tab]
    for (const n of numbers(1, 5)) await hub.publish({ data: n })
    await until(() => [away, gone].every(({ heard }) => heard.length === 5))
    away.connection.pause()
    gone.connection.close()
    await until(() => hub.size === 0)
    for (const n of numbers(6, 10)) await hub.publish({ data: n })
    const [fresh] = (await openAll(1, url)) as [Tab]
    for (const n of numbers(11, 15)) await hub.publish({ data: n })
    away.connection.unpause()
    await until(() => away.heard.length === 15 && fresh.heard.length === 5)
    expect([away.heard, fresh.heard]).toEqual([numbers(1, 15), numbers(11, 15)])
    await until(() => hub.size === 1)
  })

  test('a lock that is taken away makes a follower, with one connection in all', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url)
    const [held] = (await locks.query()).held
    for (let n = 1; n <= 3; n++) {
      let release = () => {}
      const stolen = locks.request(
        held?.name ?? '',
        { steal: true },
        () => new Promise<void>((resolve) => (release = resolve)),
      )
      await until(() => hub.size === 0)
      await hub.publish({ data: String(n) })
      release()
      await stolen
      await until(() => tabs.every(({ heard }) => heard.length === n))
      expect(hub.size).toBe(1)
    }
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(3).fill(['1', '2', '3']))
  })

  test('a leader that holds the lock and says nothing is replaced', async () => {
    const { hub, url } = await serve()
    const [first] = await openAll(1, url)
    const [held] = (await locks.query()).held
    first?.connection.close()
    await until(() => hub.size === 0)
    // Somebody who has it, and is frozen.
    const frozen = locks.request(held?.name ?? '', {}, () => new Promise(() => {}))
    frozen.catch(() => {})
    await sleep(20)
    const begun = performance.now()
    const [one, two] = await openAll(2, url)
    expect(performance.now() - begun).toBeLessThan(1000)
    await hub.publish({ data: '1' })
    await until(() => one?.heard.length === 1 && two?.heard.length === 1)
    expect(hub.size).toBe(1)
  })

  test('whatever comes over its channel that is not ours harms nobody', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url)
    const [held] = (await locks.query()).held
    const channel = new BroadcastChannel(held?.name ?? '')
    after(() => channel.close())
    const ours = { version: 1, from: 'enemy' }
    let term = 0
    channel.onmessage = ({ data }: { data: { term?: number } }) => {
      term = data.term ?? term
    }
    await hub.publish({ data: '0' })
    await until(() => term > 0 && tabs.every(({ heard }) => heard.length === 1))
    for (const junk of [
      ...[null, 7, 'text', [], {}, { version: 1 }, { ...ours, kind: 'toString' }, { ...ours, kind: 'news' }],
      { ...ours, version: 2, kind: 'beat', term: 9, at: 9, id: 'x', mirror: { state: 'closed' } },
      { ...ours, kind: 'news', term: 1e9, entries: null, id: '' },
      ...[[null], [{}], [{ at: 2, id: 'x', event: {} }], [{ at: 2, id: 'x', event: { type: 'message' } }], {}].map(
        (entries) => ({ ...ours, kind: 'news', term, entries, id: 'x' }),
      ),
      { ...ours, kind: 'welcome', to: 'nobody', number: 1, term: 1e9, at: 1, id: '', mirror: {} },
      { ...ours, kind: 'beat', term: Number.NaN, at: 1, id: '', mirror: {} },
    ])
      for (let n = 0; n < 100; n++) channel.postMessage(junk)
    await sleep(50)
    for (const n of numbers(1, 5)) await hub.publish({ data: n })
    await until(() => tabs.every(({ heard }) => heard.length === 6))
    expect(tabs.map(({ heard }) => heard)).toEqual(Array(3).fill(numbers(0, 5)))
  })

  test('who closes it in a listener hears no more, and the others all', async () => {
    const { hub, url } = await serve()
    const tabs = await openAll(3, url)
    const [first] = tabs
    first?.connection.on(() => first.connection.close())
    await Promise.all(numbers(1, 5).map((n) => hub.publish({ data: n })))
    await until(() => tabs.slice(1).every(({ heard }) => heard.length === 5))
    expect(tabs.map(({ heard }) => heard)).toEqual([['1'], numbers(1, 5), numbers(1, 5)])
  })

  test('a mistake in what is shared is told where it is made', () => {
    expect(() => shared('')).toThrow(/the name must be/)
    expect(() => shared('a', { scopes: 'x' } as never)).toThrow(/did you mean scope/)
    expect(() => connect('http://a.test', { share: {} as never })).toThrow(/shared\(name\)/)
  })
})
