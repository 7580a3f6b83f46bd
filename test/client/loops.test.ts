import { getEventListeners } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type ConnectError, type Connection, type ConnectOptions, connect } from '../../src/index.ts'
import { createMockServer } from '../../src/testing/index.ts'
import { begin, serve } from '../helpers/serve.ts'

// Loops over events, over real sockets: what they hear, what waits for them, and what they cost others.

type Options = ConnectOptions & { parse?: undefined; schemas?: undefined }

const frames = (from: number, to: number, type = 'tick') =>
  Array.from({ length: to - from + 1 }, (_, at) => `event: ${type}\nid: ${from + at}\ndata: ${from + at}\n\n`).join('')
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
async function until(condition: () => boolean, what: string) {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 5000) throw new Error(`waited in vain: ${what}`)
    await pause(5)
  }
}

/** Connects to a server that goes on after the id that it is asked for, until the test is finished. */
async function start(body: (after: number) => string, options: Options = {}, thenEnd = false) {
  const server = await serve((request, response) => {
    begin(response).write(body(Number(request.headers['last-event-id'] ?? 0)))
    if (thenEnd) response.end()
  })
  const errors: ConnectError[] = []
  const connection = connect(server.url, {
    retry: { base: 10, max: 20 },
    onError: (error) => void errors.push(error),
    ...options,
  })
  onTestFinished(() => connection.close())
  return { server, connection, errors }
}
const listen = (connection: Connection) => {
  const heard: string[] = []
  connection.on(({ data }) => heard.push(data))
  return heard
}

describe('a loop hears', () => {
  it('from its making on, not from its first question', async () => {
    const { connection } = await start(() => frames(1, 3))
    const iterator = connection.iterate('tick')
    await connection.opened
    await pause(50)
    expect((await iterator.next()).value?.data).toBe('1')
  })
  it('the first event, where the caller waited for `opened`, by whatever function', async () => {
    const { connection } = await start(() => frames(1, 3))
    const ready = async () => {
      await Promise.all([connection.opened])
    }
    const readySoon = async () => ready()
    await readySoon()
    for await (const { data } of connection) {
      expect(data).toBe('1')
      break
    }
  })
  it('what a listener hears, and in the same time or little more, however many events a chunk holds', async () => {
    const COUNT = 200_000
    const chunk = new TextEncoder().encode('data:1\n\n'.repeat(COUNT))
    const fetch = async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (let at = 0; at < chunk.length; at += 2 ** 21) controller.enqueue(chunk.subarray(at, at + 2 ** 21))
            controller.close()
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )
    const time = async (hear: (connection: Connection) => Promise<number>) => {
      const connection = connect('http://a', { fetch, retry: false })
      const begun = performance.now()
      expect(await hear(connection)).toBe(COUNT)
      return performance.now() - begun
    }
    const listened = () =>
      time(async (connection) => {
        let count = 0
        connection.on(() => count++)
        await connection.closed
        return count
      })
    const looped = () =>
      time(async (connection) => {
        let count = 0
        for await (const _ of connection) count++
        return count
      })
    await listened()
    await looped()
    expect(await looped()).toBeLessThan(50 + 15 * Math.min(await listened(), await listened()))
  }, 30_000)
})

describe('next', () => {
  it('is the next event of the type, or of any, with its data', async () => {
    const { connection } = await start(() => frames(1, 1, 'tock') + frames(2, 3))
    const [any, tick] = await Promise.all([connection.next(), connection.next('tick')])
    expect([any.data, tick.data]).toEqual(['1', '2'])
  })
  it('holds nothing up, in whatever numbers', async () => {
    const { connection } = await start(() => frames(1, 1000), { highWaterMark: 1 })
    const heard = listen(connection)
    const events = await Promise.all(Array.from({ length: 100 }, () => connection.next('tick')))
    expect(events.every(({ data }) => data === '1')).toBe(true)
    await until(() => heard.length === 1000, 'all events')
    expect(connection.lastEventId).toBe('1000')
  })
  it('rejects with the error where the connection fails, and says so where it is closed', async () => {
    const { connection } = await start(() => '', { retry: false, until: 'never' }, true)
    await expect(connection.next()).rejects.toMatchObject({ code: 'ended' })
    await expect(connection.next()).rejects.toMatchObject({ code: 'closed' })
    const other = await start(() => '')
    const next = other.connection.next('tick')
    other.connection.close()
    await expect(next).rejects.toMatchObject({ code: 'closed' })
  })
  it('rejects with the reason of its signal, and leaves the connection alone', async () => {
    const { connection } = await start(() => '')
    const abort = new AbortController()
    const next = connection.next('tick', { signal: abort.signal })
    await connection.opened
    abort.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await expect(connection.next('tick', { signal: abort.signal })).rejects.toThrow('enough')
    expect(connection.state).toBe('open')
  })
  it('that nobody handles is no unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const { connection } = await start(() => '')
    connection.next()
    connection.close()
    await pause(20)
    expect(unhandled).not.toHaveBeenCalled()
  })
})

describe('highWaterMark', () => {
  it.each([0, 1, 2, 64, Number.POSITIVE_INFINITY])('of %d stops nothing for good', async (highWaterMark) => {
    const { connection } = await start(() => frames(1, 500), { highWaterMark })
    const got: string[] = []
    for await (const { data } of connection) if (got.push(data) === 500) break
    expect(got).toEqual(Array.from({ length: 500 }, (_, at) => `${at + 1}`))
  })
  it('is a cap, also after a hundred reconnects with a chunk each', async () => {
    const { connection } = await start((after) => frames(after + 1, after + 100), { highWaterMark: 8 })
    const heard = listen(connection)
    const iterator = connection.iterate('tick')
    for (let times = 0; times < 100; times++) {
      connection.reconnect()
      await connection.opened
      await pause(2)
    }
    await pause(50)
    // Nobody hears more than what may wait: the listener is held up with the loop.
    expect(heard.length).toBe(8)
    const got: string[] = []
    while (got.length < 100) got.push((await iterator.next()).value?.data as string)
    expect(got).toEqual(Array.from({ length: 100 }, (_, at) => `${at + 1}`))
  }, 20_000)
})

describe('a loop that is left lying', () => {
  it('is named after a while, and holds up no others any more', async () => {
    const { connection, errors } = await start(() => frames(1, 1000), { stallTimeout: 100, highWaterMark: 8 })
    const heard = listen(connection)
    await connection.iterate('tick').next()
    await until(() => heard.length === 1000, 'all events')
    expect(errors).toMatchObject([{ code: 'consumer-stalled', delay: undefined }])
    expect(connection.state).toBe('open')
  })
  it('has what waited for it, then the error, and then no more: its loss is never silent', async () => {
    const { connection } = await start(() => frames(1, 1000), { stallTimeout: 50, highWaterMark: 8 })
    const heard = listen(connection)
    const iterator = connection.iterate('tick')
    await until(() => heard.length === 1000, 'all events')
    const got: unknown[] = []
    await expect(async () => {
      for await (const { data } of iterator) got.push(data)
    }).rejects.toMatchObject({ code: 'consumer-stalled' })
    expect(got).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
  it('is named once and waited for where nobody else is held up', async () => {
    const { connection, errors } = await start(() => frames(1, 50), { stallTimeout: 20, highWaterMark: 8 })
    const iterator = connection.iterate('tick')
    await until(() => errors.length > 0, 'the name')
    await pause(100)
    expect(errors.map(({ code }) => code)).toEqual(['consumer-stalled'])
    const got: unknown[] = []
    while (got.length < 50) got.push((await iterator.next()).value?.data)
    expect(got.at(-1)).toBe('50')
  })
  it('is waited for as long as it takes anything', async () => {
    const { connection, errors } = await start(() => frames(1, 30), { stallTimeout: 60, highWaterMark: 8 })
    const heard = listen(connection)
    for await (const { data } of connection) {
      await pause(20)
      if (data === '30') break
    }
    expect([heard.length, errors]).toEqual([30, []])
  })
  it('is no error where the connection is closed for it', async () => {
    const { connection } = await start(() => frames(1, 100), {
      stallTimeout: 20,
      highWaterMark: 2,
      onError: () => closeIt(),
    })
    const closeIt = connection.close
    listen(connection)
    const iterator = connection.iterate()
    expect(await connection.closed).toBe('closed')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
  it('may be left by return before its first next, and then holds nothing', async () => {
    const { connection } = await start(() => frames(1, 1000), { highWaterMark: 1 })
    const heard = listen(connection)
    const iterator = connection.iterate()
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    await until(() => heard.length === 1000, 'all events')
    const whole = connection[Symbol.asyncIterator]()
    await whole.return?.()
    expect(connection.state).toBe('closed')
  })
  it('may be left by throw, which rejects with what is thrown', async () => {
    const { connection } = await start(() => frames(1, 1000), { highWaterMark: 1 })
    const heard = listen(connection)
    const iterator = connection.iterate()
    await iterator.next()
    await expect(iterator.throw?.(new Error('enough'))).rejects.toThrow('enough')
    await until(() => heard.length === 1000, 'all events')
  })
})

describe('questions that are asked at once', () => {
  it('are answered in their order', async () => {
    const { connection } = await start(() => frames(1, 5))
    const iterator = connection.iterate('tick')
    const results = await Promise.all([1, 2, 3].map(() => iterator.next()))
    expect(results.map(({ value }) => value?.data)).toEqual(['1', '2', '3'])
  })
  it('are not overtaken by one that `until` asks', async () => {
    const order: string[] = []
    let iterator: AsyncIterableIterator<{ data: string }, undefined> | undefined
    const { connection } = await start(() => frames(1, 3), {
      until({ data }) {
        if (data === '1') iterator?.next().then(({ value }) => order.push(`second ${value?.data}`))
        return data === '3'
      },
    })
    iterator = connection.iterate('tick')
    iterator.next().then(({ value }) => order.push(`first ${value?.data}`))
    await connection.closed
    await pause(5)
    expect(order).toEqual(['first 1', 'second 2'])
  })
})

describe('a listener with a signal', () => {
  it('hears until it aborts, and nothing if it has', async () => {
    const server = createMockServer()
    const connection = connect('http://a', { fetch: server.fetch })
    onTestFinished(() => connection.close())
    const abort = new AbortController()
    const heard: string[] = []
    connection.on('tick', ({ data }) => heard.push(data), { signal: abort.signal })
    connection.on(({ data }) => heard.push(`any ${data}`), { signal: abort.signal })
    const request = await server.next()
    request.send({ type: 'tick', data: '1' })
    await connection.next()
    abort.abort()
    connection.on(({ data }) => heard.push(`late ${data}`), { signal: abort.signal })
    request.send({ type: 'tick', data: '2' })
    await connection.next()
    expect(heard).toEqual(['1', 'any 1'])
  })
  it('leaves nothing at its signal: neither by its undo nor by the end', async () => {
    const abort = new AbortController()
    const connection = connect('http://a', { fetch: createMockServer().fetch })
    const undo = connection.on(() => {}, { signal: abort.signal })
    connection.on(() => {}, { signal: abort.signal })
    connection.next('tick', { signal: abort.signal })
    undo()
    undo()
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(2)
    connection.close()
    await connection.closed
    await pause(0)
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  })
})
