import fc from 'fast-check'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { type ConnectError, type Connection, type ConnectOptions, connect } from '../../src/index.ts'
import { begin, type Served, serve } from '../helpers/serve.ts'

// What everybody must have handled before a reload may go on after it, over real HTTP.

type Options = ConnectOptions & { parse?: undefined; schemas?: undefined }
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
async function until(condition: () => boolean, what: string) {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 5000) throw new Error(`waited in vain: ${what}`)
    await pause(5)
  }
}
const event = (id: number, type = 'tick') => `event: ${type}\nid: ${id}\ndata: ${id}\n\n`
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** A stream that goes on after the id that it is asked for, its events in one chunk. */
const stream = (count: number) =>
  serve((request, response) => {
    const after = Number(request.headers['last-event-id'] ?? 0)
    begin(response).write(
      range(after + 1, count)
        .map((id) => event(id))
        .join('') || ':\n\n',
    )
  })

/** A page and its storage, which survives a reload. */
function open(server: Served, store: { id?: string | undefined }, options: Options = {}) {
  const errors: ConnectError[] = []
  const saved: string[] = []
  const connection = connect(server.url, {
    retry: { base: 10, max: 20 },
    resume: {
      load: () => store.id,
      save(id) {
        saved.push(id)
        store.id = id
      },
    },
    onError: (error) => void errors.push(error),
    ...options,
  })
  onTestFinished(() => connection.close())
  return { connection, saved, errors }
}

describe('what is saved', () => {
  it('is what the loop has gone past, though ten events came in one chunk', async () => {
    const server = await stream(10)
    const store: { id?: string } = {}
    const { connection, saved } = open(server, store)
    for await (const { data } of connection) {
      await pause(2)
      if (data === '4') break
    }
    expect(saved).toEqual(['1', '2', '3'])
    expect(connection.lastEventId).toBe('3')
    const again = open(server, store).connection
    expect((await again.next()).data).toBe('4')
  })
  it('is an event in which a loop threw not, so a reload has it again', async () => {
    const server = await stream(10)
    const store: { id?: string } = {}
    await expect(async () => {
      for await (const { data } of open(server, store).connection) if (data === '2') throw new Error('full disk')
    }).rejects.toThrow('full disk')
    expect((await open(server, store).connection.next()).data).toBe('2')
  })
  it('is the whole stream where the loop saw its end', async () => {
    const server = await stream(10)
    const { connection, saved } = open(server, {}, { until: ({ data }) => data === '10' })
    for await (const _ of connection);
    expect([saved.at(-1), connection.lastEventId]).toEqual(['10', '10'])
  })
  it('waits for what a listener promised, and for the slowest of all', async () => {
    const server = await stream(3)
    const { connection, saved } = open(server, {})
    const ends: (() => void)[] = []
    connection.on(() => new Promise<void>((resolve) => ends.push(resolve)))
    connection.on(() => {})
    await until(() => ends.length === 3, 'three events')
    expect([saved, connection.lastEventId]).toEqual([[], ''])
    ends[1]?.()
    await pause(0)
    expect(connection.lastEventId).toBe('')
    ends[0]?.()
    await pause(0)
    expect(connection.lastEventId).toBe('2')
    connection.close()
    ends[2]?.()
    await pause(0)
    expect([saved, connection.lastEventId]).toEqual([['2', '3'], '3'])
  })
  it('is not held up by a listener that fails, which has run', async () => {
    const server = await stream(3)
    const { connection } = open(server, {})
    const known = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const failures: unknown[] = []
    process.on('uncaughtException', (error) => failures.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const each of known) process.on('uncaughtException', each)
    })
    connection.on(async () => {
      throw new Error('boom')
    })
    await until(() => connection.lastEventId === '3', 'the last id')
    expect(failures).toHaveLength(3)
  })
  it('goes on after a loop that was left, with the next event', async () => {
    const server = await serve((_, response) => {
      begin(response).write(
        range(1, 10)
          .map((id) => event(id))
          .join(''),
      )
      setTimeout(() => response.write(event(11, 'tock')), 50)
    })
    const { connection } = open(server, {})
    for await (const { data } of connection.iterate('tick')) if (data === '3') break
    expect(connection.lastEventId).toBe('2')
    await connection.next('tock')
    expect(connection.lastEventId).toBe('11')
  })
  it('is the newest id that was handled, and reconnects resume after the newest that came', async () => {
    const server = await stream(10)
    const { connection, saved } = open(server, {})
    const iterator = connection.iterate('tick')
    await iterator.next()
    await iterator.next()
    connection.reconnect()
    await until(() => server.requests.length === 2, 'the second request')
    expect(server.requests[1]?.headers['last-event-id']).toBe('10')
    expect([saved, connection.lastEventId]).toEqual([['1'], '1'])
    const got = ['2']
    while (got.length < 9) got.push((await iterator.next()).value?.data as string)
    expect(got.at(-1)).toBe('10')
  })
})

/** A consumer of the model: how it takes its events, and which it has handled. */
type Kind = 'listener' | 'async' | 'loop'

test('nobody misses an event over reloads, cuts, pauses and redirects at any moment', async () => {
  const COUNT = 40
  const kinds = fc.uniqueArray(fc.constantFrom<Kind>('listener', 'async', 'loop'), { minLength: 1 })
  const act = fc.record({
    what: fc.constantFrom('reload', 'cut', 'end', 'pause', 'reconnect', 'redirect', 'nothing'),
    after: fc.integer({ min: 0, max: 12 }),
  })
  const scenario = fc.record({
    kinds,
    acts: fc.array(act, { maxLength: 6 }),
    chunk: fc.integer({ min: 1, max: 15 }),
    highWaterMark: fc.integer({ min: 0, max: 5 }),
  })
  const check = async ({
    kinds,
    acts,
    chunk,
    highWaterMark,
  }: typeof scenario extends fc.Arbitrary<infer T> ? T : never) => {
    let cut = () => {}
    let redirects = 0
    const server = await serve((request, response) => {
      if (redirects-- > 0) return void response.writeHead(307, { location: `/there?${redirects}` }).end()
      const after = Number(request.headers['last-event-id'] ?? 0)
      begin(response)
      let next = after + 1
      const timer = setInterval(() => {
        if (next > COUNT) return
        response.write(
          range(next, Math.min(COUNT, next + chunk - 1))
            .map((id) => event(id))
            .join(''),
        )
        next += chunk
      }, 1)
      cut = () => response.socket?.resetAndDestroy()
      end = () => {
        clearInterval(timer)
        response.end()
      }
      response.on('close', () => clearInterval(timer))
    })
    let end = () => {}
    const store: { id?: string } = {}
    /** Over all pages: what each kind has handled to its end. */
    const handled = new Map<Kind, Set<number>>(kinds.map((kind) => [kind, new Set()]))
    const isHandled = (id: number) => kinds.every((kind) => handled.get(kind)?.has(id))

    /** Opens a page; answers with what unloads it, after which nothing of it counts. */
    function load() {
      let alive = true
      const connection: Connection = connect(server.url, {
        retry: { base: 10, max: 20 },
        highWaterMark,
        resume: {
          load: () => store.id,
          save(id) {
            if (!alive) return
            for (const each of range(1, Number(id)))
              if (!isHandled(each)) throw new Error(`${each} is not handled, ${id} saved`)
            store.id = id
          },
        },
      })
      const begun = Number(store.id ?? 0)
      const last = new Map<Kind, number>()
      const done = (kind: Kind, data: string) => void (alive && handled.get(kind)?.add(Number(data)))
      /** Each hears each event once and in order, whatever happens to the line. */
      const hear = (kind: Kind, data: string) => {
        expect(Number(data), `${kind} hears`).toBe((last.get(kind) ?? begun) + 1)
        last.set(kind, Number(data))
      }
      if (kinds.includes('listener'))
        connection.on(({ data }) => {
          hear('listener', data)
          done('listener', data)
        })
      if (kinds.includes('async'))
        connection.on('tick', async ({ data }) => {
          hear('async', data)
          await pause(Number(data) % 4)
          done('async', data)
        })
      if (kinds.includes('loop'))
        (async () => {
          for await (const { data } of connection) {
            hear('loop', data)
            await pause(Number(data) % 3)
            done('loop', data)
          }
        })()
      return {
        connection,
        unload() {
          alive = false
          connection.close()
        },
      }
    }

    let page = load()
    for (const { what, after } of acts) {
      await pause(after)
      if (what === 'reload') {
        page.unload()
        page = load()
      } else if (what === 'cut') cut()
      else if (what === 'end') end()
      else if (what === 'reconnect') page.connection.reconnect()
      else if (what === 'redirect') {
        redirects = 2
        cut()
      } else if (what === 'pause') {
        page.connection.pause()
        await pause(after)
        page.connection.unpause()
      }
    }
    await until(
      () => range(1, COUNT).every(isHandled),
      `all events; ${JSON.stringify([...handled].map(([kind, set]) => [kind, set.size]))}`,
    )
    await until(() => store.id === `${COUNT}`, 'the last id')
    // A page that was loaded only now has yet to load its id.
    await until(() => page.connection.lastEventId === `${COUNT}`, 'the last id of the page')
    page.unload()
    await server.idle()
  }
  await fc.assert(fc.asyncProperty(scenario, check), { numRuns: 40, endOnFailure: false })
}, 60_000)
