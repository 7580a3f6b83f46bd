import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import {
  type AppendOptions,
  createRuns,
  type Log,
  type Logs,
  type Message,
  memoryLogs,
  type Outcome,
  type Production,
  RunFailure,
  type Runs,
  type RunsOptions,
} from '../../../src/server/index.ts'
import { open as openReader, type Reader } from '../../helpers/reader.ts'
import { after, read, serve, until } from '../serve.ts'

// Streams that end, and survive: in one process, over real HTTP.

function runsOf(options: Partial<RunsOptions> = {}): { runs: Runs; errors: unknown[] } {
  const errors: unknown[] = []
  const runs = createRuns({ authorize: 'anyone', onError: (error) => errors.push(error), ...options })
  after(() => runs.close({ within: 0 }))
  return { runs, errors }
}

/** Runs behind a server: GET reads one, at its id. */
async function served(options: Partial<RunsOptions> = {}) {
  const made = runsOf(options)
  const url = await serve((request, response) =>
    made.runs.handle(request, response, decodeURIComponent((request.url ?? '').slice(1).split('?', 1)[0] ?? '')),
  )
  return {
    ...made,
    url,
    join: (id: string, lastEventId?: string): Promise<Reader> => read(url + encodeURIComponent(id), { lastEventId }),
  }
}

/** A producer that does what the test says, when it says it. */
function puppet() {
  let production: Production | undefined
  let finish!: (value?: unknown) => void
  let fail!: (error: unknown) => void
  const calls = { count: 0 }
  const source = (given: Production) => {
    calls.count++
    production = given
    return new Promise((resolve, reject) => {
      finish = resolve
      fail = reject
    })
  }
  return {
    source,
    calls,
    send: (data: string) => (production as Production).send(data),
    get signal() {
      return (production as Production).signal
    },
    finish: (value?: unknown) => finish(value),
    fail: (error: unknown) => fail(error),
  }
}

const dataOf = ({ events }: Reader) => events.filter(({ type }) => type !== 'outcome').map(({ data }) => data)
const outcomeOf = ({ events }: Reader): Outcome | undefined => {
  const last = events[events.length - 1]
  return last?.type === 'outcome' ? JSON.parse(last.data) : undefined
}

describe('a run', () => {
  test('is read from its beginning to its end by whoever comes, whenever', async () => {
    const { runs, join } = await served()
    const { source, send, finish } = puppet()
    const run = await runs.start('answer', source)
    expect(run).toMatchObject({ id: 'answer', isNew: true })
    await send('a')
    const early = await join('answer')
    await send('b')
    await early.until(2)
    const late = await join('answer')
    await late.until(2)
    await send('c')
    finish({ tokens: 3 })
    await Promise.all([early.ended, late.ended])
    const after = await join('answer')
    await after.ended
    for (const reader of [early, late, after]) {
      expect(dataOf(reader)).toEqual(['a', 'b', 'c'])
      expect(outcomeOf(reader)).toEqual({ state: 'finished', value: { tokens: 3 } })
    }
    expect(await run.outcome).toEqual({ state: 'finished', value: { tokens: 3 } })
  })

  test('goes on where a reader was, and sends away with 204 who has had all', async () => {
    const { runs, join } = await served()
    const { source, send, finish } = puppet()
    await runs.start('answer', source)
    for (const data of ['a', 'b', 'c']) await send(data)
    const first = await join('answer')
    await first.until(2)
    first.drop()
    const second = await join('answer', first.events[1]?.id)
    await second.until(1)
    finish()
    await second.ended
    expect(dataOf(second)).toEqual(['c'])
    const third = await join('answer', second.events.at(-1)?.id)
    expect(third.status).toBe(204)
    await third.ended
  })

  test('is started once: a second start joins it, and asks no producer', async () => {
    const { runs } = runsOf()
    const one = puppet()
    const other = puppet()
    const [first, second] = await Promise.all([runs.start('a', one.source), runs.start('a', other.source)])
    expect([first.isNew, second.isNew, one.calls.count, other.calls.count]).toEqual([true, false, 1, 0])
    one.finish('done')
    expect(await second.outcome).toEqual({ state: 'finished', value: 'done' })
    const third = await runs.start('a', other.source)
    expect([third.isNew, other.calls.count]).toEqual([false, 0])
    expect(await third.outcome).toEqual({ state: 'finished', value: 'done' })
  })

  test('that is over is begun anew only when asked, and its readers are told a gap', async () => {
    const { runs, join } = await served()
    await runs.start('a', () => 'one')
    const first = await join('a')
    await first.ended
    await runs.start('a', ({ send }) => send('new'), { again: true })
    const second = await join('a', first.events[0]?.id)
    await second.ended
    expect(second.events[0]).toMatchObject({ type: 'gap', data: expect.stringContaining('"reason":"epoch"') })
    // And then all of the new one.
    expect(second.events.slice(1).map(({ data, type }) => [type, data])).toEqual([
      ['message', 'new'],
      ['outcome', expect.any(String)],
    ])
    const third = await join('a')
    await third.ended
    expect(dataOf(third)).toEqual(['new'])
  })

  test('that goes on is joined, asked again or not', async () => {
    const { runs } = runsOf()
    const { source } = puppet()
    await runs.start('a', source)
    expect((await runs.start('a', () => {}, { again: true })).isNew).toBe(false)
  })

  test('without an id is given one that nobody else has', async () => {
    const { runs } = runsOf()
    const all = await Promise.all([1, 2, 3].map(() => runs.start(undefined, () => {})))
    expect(new Set(all.map(({ id }) => id)).size).toBe(3)
    for (const { id } of all) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test.each([
    [
      'a generator',
      async function* () {
        yield 'a'
        yield { type: 'token', data: 'b' }
      },
    ],
    ['an array', () => ['a', { type: 'token', data: 'b' }]],
    [
      'a stream',
      () =>
        new ReadableStream({
          start(controller) {
            controller.enqueue('a')
            controller.enqueue({ type: 'token', data: 'b' })
            controller.close()
          },
        }),
    ],
    [
      'the answer of another server',
      () =>
        new Response('data: a\n\nid: 7\nevent: token\ndata: b\n\n', {
          headers: { 'content-type': 'text/event-stream' },
        }),
    ],
  ])('records %s, event by event', async (_, make) => {
    const { runs, join } = await served()
    await runs.start('a', make() as never)
    const reader = await join('a')
    await reader.ended
    expect(reader.events.slice(0, 2).map(({ type, data }) => [type, data])).toEqual([
      ['message', 'a'],
      ['token', 'b'],
    ])
    expect(outcomeOf(reader)).toEqual({ state: 'finished' })
  })

  test('fails with what a RunFailure says, and with no word of any other error', async () => {
    const { runs, errors } = runsOf()
    const secret = new Error('password 1234')
    const outcomes = await Promise.all([
      (
        await runs.start('a', () => {
          throw new RunFailure('no-credit', 'buy some')
        })
      ).outcome,
      (
        await runs.start('b', async () => {
          throw secret
        })
      ).outcome,
      (await runs.start('c', new Response('no', { status: 500 }))).outcome,
      (await runs.start('d', () => 1n)).outcome,
    ])
    expect(outcomes).toEqual([
      { state: 'failed', code: 'no-credit', message: 'buy some' },
      { state: 'failed', code: 'producer-failed' },
      { state: 'failed', code: 'not-a-stream', message: expect.stringContaining('500') },
      { state: 'failed', code: 'producer-failed' },
    ])
    expect(errors).toEqual(expect.arrayContaining([secret, expect.any(TypeError)]))
  })

  test('that is stopped aborts its producer, and tells its readers', async () => {
    const { runs, join } = await served()
    const made = puppet()
    await runs.start('a', made.source)
    await made.send('x')
    const reader = await join('a')
    await reader.until(1)
    const { signal } = made
    expect(await runs.stop('a', 'enough')).toBe(true)
    await reader.ended
    expect([dataOf(reader), outcomeOf(reader), signal.aborted]).toEqual([
      ['x'],
      { state: 'stopped', reason: 'enough' },
      true,
    ])
    await expect(made.send('late')).rejects.toMatchObject({ code: 'run-over' })
    expect([await runs.stop('a'), await runs.stop('nothing')]).toEqual([false, false])
  })

  test('leaves a source that is stopped, though it waits', async () => {
    const { runs } = runsOf()
    let isLeft = false
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          isLeft = true
          return { done: true as const, value: undefined }
        },
      }),
    }
    await runs.start('a', source)
    await runs.stop('a')
    await until(() => isLeft)
  })

  test('goes on without readers, and does not wait for one that takes nothing', async () => {
    const { runs, join } = await served()
    const run = await runs.start('a', async ({ send }) => {
      for (let n = 0; n < 2000; n++) await send('x'.repeat(1000))
    })
    const reader = await join('a')
    reader.pause()
    expect(await run.outcome).toEqual({ state: 'finished' })
    reader.resume()
    await reader.ended
  })

  test('is unknown with 404, before it begins and when it is no longer kept', async () => {
    const { runs, join } = await served({ keep: 50 })
    expect((await join('a')).status).toBe(404)
    await (await runs.start('a', () => {})).outcome
    expect((await join('a')).status).toBe(200)
    await sleep(80)
    expect((await join('a')).status).toBe(404)
    expect(await runs.get('a')).toBeUndefined()
    // And begins anew.
    expect((await runs.start('a', () => {})).isNew).toBe(true)
  })
})

describe('a reader of a run', () => {
  test('is asked who it is, and the run is told', async () => {
    const { runs, url } = await served({
      authorize: (request, { owner, state }) => state !== 'running' || request.header('x-user') === owner,
    })
    const { source, finish } = puppet()
    await runs.start('a', source, { owner: 'ann' })
    const as = (user: string) => openReader(`${url}a`, { headers: { 'x-user': user } })
    const [ann, ben] = [await as('ann'), await as('ben')]
    after(() => ann.drop())
    expect([ann.status, ben.status]).toEqual([200, 401])
    finish()
    await ann.ended
    expect((await as('ben')).status).toBe(200)
  })

  test.each([
    ['GET', 'http://h/chat/a%20b?x=1', 'http://h/chat/a%20b?x=1'],
    ['GET', 'http://h/a%20b', 'http://h/a%20b'],
    ['POST', 'http://h/chat?x=1', 'http://h/chat/a%20b'],
    ['POST', 'http://h/api/chat/', 'http://h/api/chat/a%20b'],
    ['POST', 'http://h/', 'http://h/a%20b'],
    ['POST', 'http://h/v1:chat', 'http://h/v1:chat/a%20b'],
  ])('that asks %s %s is told that the run is read at %s', async (method, url, where) => {
    const { runs } = runsOf()
    await runs.start('a b', () => {})
    const { headers } = await runs.fetch(new Request(url, { method }), 'a b')
    expect(new URL(headers.get('content-location') as string, url).href).toBe(where)
    expect(headers.get('unmissed')).toBe('heartbeat=15000, ids=unique, run')
    const named = await runs.fetch(new Request(url, { method }), 'a b', { location: '/read/7' })
    expect(named.headers.get('content-location')).toBe('/read/7')
  })

  test('is told so behind a router that takes off the beginning of the path', async () => {
    const { runs } = runsOf()
    await runs.start('a', () => {})
    const url = await serve((request, response) => {
      request.url = (request.url ?? '').replace(/^\/api/, '')
      return runs.handle(request, response, 'a')
    })
    const answer = await fetch(`${url}api/chat`, { method: 'POST' })
    await answer.text()
    expect(new URL(answer.headers.get('content-location') as string, answer.url).href).toBe(`${url}api/chat/a`)
  })

  test('that comes with an id of something else is told so, and given all of it', async () => {
    const { runs, join } = await served()
    await (await runs.start('a', ['x', 'y'])).outcome
    const reader = await join('a', 'garbage')
    await reader.ended
    expect(reader.events.map(({ type }) => type)).toEqual(['gap', 'message', 'message', 'outcome'])
  })

  test('that may see nothing of it is not told that it has had all', async () => {
    const { runs, join } = await served({ authorize: () => ({ filter: () => false }) })
    await (await runs.start('a', ['x'])).outcome
    const reader = await join('a')
    await reader.ended
    expect([reader.status, reader.events.length]).toEqual([200, 0])
  })

  test('is counted, and listed with its run', async () => {
    const { runs, join } = await served()
    const { source, send } = puppet()
    const before = Date.now()
    await runs.start('a', source, { owner: 'ann' })
    await (await runs.start('b', () => {})).outcome
    await send('x')
    const readers = [await join('a'), await join('a')]
    await Promise.all(readers.map((reader) => reader.until(1)))
    const [a, b] = await runs.list()
    expect(a).toMatchObject({ id: 'a', state: 'running', owner: 'ann', readers: 2, endedAt: undefined })
    expect(b).toMatchObject({ id: 'b', state: 'finished', owner: undefined, readers: 0 })
    expect(a?.startedAt).toBeGreaterThanOrEqual(before)
    expect(runs.metrics()).toContain('unmissed_runs_connections 2')
  })

  test('that leaves stops nothing, unless nobody is to be left', async () => {
    const { runs, join } = await served()
    const [kept, left] = [puppet(), puppet()]
    await runs.start('kept', kept.source)
    const run = await runs.start('left', left.source, { stopWhenUnread: 100 })
    const readers = [await join('kept'), await join('left')]
    await sleep(200)
    expect((await runs.get('left'))?.state).toBe('running')
    for (const reader of readers) reader.drop()
    expect(await run.outcome).toEqual({ state: 'stopped', reason: 'unread' })
    expect((await runs.get('kept'))?.state).toBe('running')
  })

  test('is welcomed before it is told anything, and seen off, with the run it reads', async () => {
    const seen: unknown[] = []
    const { runs, join } = await served({
      async onConnect(reader, run) {
        seen.push(['came', run.id, run.owner])
        await sleep(20)
        await reader.send({ type: 'welcome', data: run.state })
      },
      onDisconnect: (_, reason, run) => seen.push(['left', run.id, reason]),
    })
    const { source, send, finish } = puppet()
    await runs.start('a', source, { owner: 'ann' })
    await send('one')
    const [first, second] = [await join('a'), await join('a')]
    await first.until(2)
    second.drop()
    await until(() => seen.length === 3)
    finish()
    await first.ended
    expect(first.events.map(({ type }) => type)).toEqual(['welcome', 'message', 'outcome'])
    await until(() => seen.length === 4)
    expect(seen).toEqual([
      ['came', 'a', 'ann'],
      ['came', 'a', 'ann'],
      ['left', 'a', 'left'],
      ['left', 'a', 'closed'],
    ])
  })

  test('whose welcome fails is sent away, and no other', async () => {
    const broken = new Error('no welcome')
    const { runs, join, errors } = await served({
      onConnect: (reader) => (reader.lastEventId ? Promise.reject(broken) : undefined),
      onDisconnect: () => {
        throw broken
      },
    })
    const { source, send, finish } = puppet()
    await runs.start('a', source)
    const { id } = await send('one').then(() => send('two'))
    const whole = await join('a')
    const late = await join('a', id)
    await late.ended
    finish()
    await whole.ended
    expect(dataOf(whole)).toEqual(['one', 'two'])
    await until(() => errors.length === 3)
    expect(errors).toEqual([broken, broken, broken])
  })

  test('that comes by a method of its own is answered as a hub answers', async () => {
    const { runs } = runsOf({ cors: ['https://app.test'] })
    await runs.start('a', () => {})
    const headers = { origin: 'https://app.test' }
    const preflight = await runs.fetch(
      new Request('http://h/a', {
        method: 'OPTIONS',
        headers: { ...headers, 'access-control-request-method': 'POST' },
      }),
      'a',
    )
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.test'])
    const put = await runs.fetch(new Request('http://h/a', { method: 'PUT', headers }), 'a')
    const gone = await runs.fetch(new Request('http://h/b', { headers }), 'b')
    expect([put.status, gone.status, gone.headers.get('access-control-allow-origin')]).toEqual([
      405,
      404,
      'https://app.test',
    ])
    const read = await runs.fetch(new Request('http://h/a', { headers }), 'a')
    expect(read.headers.get('access-control-expose-headers')).toContain('Content-Location')
    await read.text()
  })
})

describe('bounds', () => {
  test.each([
    ['maxEvents', { maxEvents: 3 }, 'raise maxEvents'],
    ['maxBytes', { maxBytes: 50 }, 'raise maxBytes'],
  ])('%s ends a run that has more, and says so to both ends', async (_, options, message) => {
    const { runs, join } = await served(options)
    let caught: unknown
    const run = await runs.start('a', async ({ send }) => {
      try {
        for (let n = 0; n < 10; n++) await send(`event ${n}`)
      } catch (error) {
        caught = error
      }
    })
    expect(await run.outcome).toEqual({
      state: 'failed',
      code: 'run-too-large',
      message: expect.stringContaining(message),
    })
    expect(caught).toMatchObject({ code: 'run-too-large', message: expect.stringContaining(message) })
    const reader = await join('a')
    await reader.ended
    expect([dataOf(reader), outcomeOf(reader)?.code]).toEqual([['event 0', 'event 1', 'event 2'], 'run-too-large'])
  })

  test('maxDuration ends one that takes longer', async () => {
    const { runs } = runsOf({ maxDuration: 50 })
    const { source } = puppet()
    const run = await runs.start('a', source)
    expect(await run.outcome).toMatchObject({ state: 'failed', code: 'run-too-long' })
  })

  test('maxRunning refuses one more, and nothing is begun', async () => {
    const { runs } = runsOf({ maxRunning: 1 })
    const [one, other] = [puppet(), puppet()]
    await runs.start('a', one.source)
    await expect(runs.start('b', other.source)).rejects.toMatchObject({ code: 'too-many-runs' })
    expect([other.calls.count, await runs.get('b')]).toEqual([0, undefined])
    // What is there is joined all the same.
    expect((await runs.start('a', other.source)).isNew).toBe(false)
    one.finish()
    await vi.waitFor(async () => expect((await runs.start('b', other.source)).isNew).toBe(true))
  })

  test('maxRuns forgets those that are over, the oldest first', async () => {
    const { runs } = runsOf({ maxRuns: 3 })
    const { source } = puppet()
    await runs.start('on', source)
    for (const id of ['a', 'b', 'c', 'd']) await (await runs.start(id, () => {})).outcome
    expect((await runs.list()).map(({ id }) => id)).toEqual(['on', 'c', 'd'])
  })

  test('a run that nobody has read to its end is kept for longer', async () => {
    const { runs, join } = await served({ keep: 50, keepUnread: 60_000 })
    for (const id of ['read', 'unread']) await (await runs.start(id, () => {})).outcome
    const reader = await join('read')
    await reader.ended
    await sleep(120)
    expect((await join('read')).status).toBe(404)
    expect((await join('unread')).status).toBe(200)
  })
})

test('whoever knows the outcome of a run finds it over, however long the others take to hear of it', async () => {
  const kept = memoryLogs()
  const slow = (log: Log): Log => {
    const append = log.append.bind(log)
    return Object.assign(log, {
      append: async (message: Message, options?: AppendOptions) => {
        if (message.frame.includes('"kind":"end"')) await sleep(100)
        return append(message, options)
      },
    })
  }
  const { runs } = runsOf({
    logs: { open: (name, options) => slow(kept.open(name, options)), close: () => kept.close() },
  })
  await (await runs.start('a', () => {})).outcome
  expect(await runs.get('a')).toMatchObject({ state: 'finished' })
})

describe('a fold', () => {
  const fold = { initial: '', reduce: (text: string, { data }: { data: unknown }) => `${text}${data}`, every: 10 }
  const many = async ({ send }: Production, count = 30) => {
    for (let n = 0; n < count; n++) await send(`${n} `)
  }
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => `${n} `)

  test('is given to late readers that take it, as one event; the rest comes after it', async () => {
    const { runs, url } = await served({ fold })
    const { source, send, finish } = puppet()
    await runs.start('a', source)
    for (const data of upTo(30)) await send(data)
    const [late, whole] = [await read(`${url}a?snapshot`), await read(`${url}a`)]
    await late.until(1)
    await send('more')
    finish()
    await Promise.all([late.ended, whole.ended])
    expect(late.events.map(({ type, data }) => [type, data])).toEqual([
      ['snapshot', upTo(30).join('')],
      ['message', 'more'],
      ['outcome', '{"state":"finished"}'],
    ])
    expect(dataOf(whole)).toEqual([...upTo(30), 'more'])
    // What it goes on after is what is in it.
    const again = await read(`${url}a?snapshot`, { lastEventId: late.events[0]?.id })
    await again.ended
    expect(dataOf(again)).toEqual(['more'])
  })

  test('goes on from the last one, each event once', async () => {
    const seen: unknown[] = []
    const counting = {
      initial: 0,
      reduce: (sum: number, { data }: { data: unknown }) => sum + (seen.push(data) && 1),
      every: 10,
    }
    const { runs, url } = await served({ fold: counting })
    const { source, send } = puppet()
    await runs.start('a', source)
    for (const data of upTo(20)) await send(data)
    const readers = await Promise.all([1, 2, 3].map(() => read(`${url}a?snapshot`)))
    for (const reader of readers) expect((await reader.until(1))[0]?.data).toBe('20')
    await send('more')
    const later = await read(`${url}a?snapshot`)
    expect((await later.until(1))[0]?.data).toBe('21')
    expect(seen.length).toBe(21)
  })

  test('of a run that is over is followed by its end', async () => {
    const { runs, url } = await served({ fold })
    await (await runs.start('a', many)).outcome
    const reader = await read(`${url}a?snapshot`)
    await reader.ended
    expect(reader.events.map(({ type }) => type)).toEqual(['snapshot', 'outcome'])
    expect(reader.events[0]?.data).toBe(upTo(30).join(''))
  })

  test('is not given where there is little, to who does not take it, nor past a filter', async () => {
    const { runs } = runsOf({
      fold,
      authorize: (request) => (request.query('filtered') ? { filter: () => true } : true),
    })
    await (await runs.start('short', (production) => many(production, 5))).outcome
    await (await runs.start('long', many)).outcome
    const typesOf = async (id: string, path: string, snapshot?: boolean) => {
      const response = await runs.fetch(new Request(`http://a/${path}`), id, { snapshot })
      return [...new Set((await response.text()).match(/^event: .*$/gm))].join()
    }
    expect(await typesOf('short', '?snapshot')).toBe('event: outcome')
    expect(await typesOf('long', '')).toBe('event: outcome')
    expect(await typesOf('long', '?snapshot', false)).toBe('event: outcome')
    expect(await typesOf('long', '?snapshot&filtered=1')).toBe('event: outcome')
    expect(await typesOf('long', '', true)).toBe('event: snapshot,event: outcome')
  })

  test('does not change what it begins with for the next run', async () => {
    const list = {
      initial: [] as unknown[],
      reduce: (all: unknown[], { data }: { data: unknown }) => {
        all.push(data)
        return all
      },
      every: 1,
    }
    const { runs, url } = await served({ fold: list })
    for (const id of ['a', 'b']) {
      await (await runs.start(id, ({ send }) => send({ data: { of: id } }))).outcome
      const reader = await read(`${url}${id}?snapshot`)
      await reader.ended
      expect(JSON.parse(reader.events[0]?.data as string)).toEqual([{ of: id }])
    }
  })

  test.each([
    ['no function', { initial: 0 }],
    ['another bound', { initial: 0, reduce: () => 0, every: -1 }],
    ['a misspelt part', { initial: 0, reducer: () => 0 }],
  ])('that cannot be meant is refused: %s', (_, wrong) => {
    expect(() => createRuns({ authorize: 'anyone', fold: wrong as never })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
  })
})

describe('runs that are closed', () => {
  test('wait for what goes on, fail what is left, and send nobody away without the end', async () => {
    const { runs, join } = await served()
    const [soon, never] = [puppet(), puppet()]
    const runsStarted = [await runs.start('soon', soon.source), await runs.start('never', never.source)]
    const readers = [await join('soon'), await join('never')]
    setTimeout(() => soon.finish(), 50)
    await runs.close({ within: 200 })
    await Promise.all(readers.map(({ ended }) => ended))
    const outcomes = [{ state: 'finished' }, { state: 'failed', code: 'server-stopped' }]
    expect(await Promise.all(runsStarted.map(({ outcome }) => outcome))).toEqual(outcomes)
    expect(readers.map(outcomeOf)).toEqual(outcomes)
    expect(never.signal.aborted).toBe(true)
    await expect(runs.start('more', () => {})).rejects.toMatchObject({ code: 'runs-closed' })
    await runs.close()
  })

  test('close none of the logs that they were given', async () => {
    const logs: Logs = memoryLogs()
    const { runs } = runsOf({ logs })
    await (await runs.start('a', () => {})).outcome
    await runs.close()
    expect(() => logs.open('other').bounds()).not.toThrow()
  })
})

describe('what cannot be meant', () => {
  test.each([
    ['nothing', undefined],
    ['no authorize', {}],
    ['a name of somebody', { authorize: 'everyone' }],
    ['a log', { authorize: 'anyone', logs: { append() {} } }],
    ['a misspelt option', { authorize: 'anyone', keeps: 1 }],
    ['no bound', { authorize: 'anyone', maxEvents: -1 }],
  ])('is refused when runs are made: %s', (_, options) => {
    expect(() => createRuns(options as RunsOptions)).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  })

  test.each([
    ['an empty id', '', () => {}],
    ['a long id', 'x'.repeat(257), () => {}],
    ['a number', 7, () => {}],
    ['no source', 'a', undefined],
    ['a promise', 'a', Promise.resolve()],
    ['a misspelt option', 'a', () => {}, { owners: 'me' }],
  ])('is refused when one is started: %s', async (_, id, source, options?: object) => {
    const { runs } = runsOf()
    await expect(runs.start(id as string, source as never, options)).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('an event of the end’s type is the producer’s mistake', async () => {
    const { runs } = runsOf()
    let caught: unknown
    await (
      await runs.start('a', async ({ send }) => {
        await send({ type: 'outcome', data: '' }).catch((error) => {
          caught = error
        })
      })
    ).outcome
    expect(caught).toMatchObject({ code: 'invalid-option' })
  })
})
