import { createServer, type IncomingMessage, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type ConnectError, type ConnectOptions, connect, storage } from '../../src/index.ts'
import { createRuns, type Production, RunFailure, type Runs, type RunsOptions } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'

// An answer that is begun by a POST, and had by GET from then on: both ends, over real HTTP.

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

interface Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server of runs: POST begins one, under the id in its body; GET reads it. */
async function serve(produce: (production: Production) => unknown, options: Partial<RunsOptions> = {}) {
  const requests: Request[] = []
  const runs: Runs = createRuns({ authorize: 'anyone', onError: () => {}, retry: 1, ...options })
  const sockets = new Set<import('node:net').Socket>()
  /** What happens to the next requests, in place of an answer. */
  const troubles: Array<'cut' | 'after'> = []
  const server: Server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body })
    const trouble = troubles.shift()
    if (trouble === 'cut') {
      request.socket.destroy()
      return
    }
    const id =
      method === 'POST' ? String(headers['idempotency-key'] ?? body) : decodeURIComponent(url.split('/').pop() ?? '')
    if (method === 'POST') await runs.start(id, produce)
    if (trouble === 'after') request.socket.destroy()
    else await runs.handle(request, response, id)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await listen(server)
  undo.push(
    () => shut(server),
    () => runs.close({ within: 0 }),
  )
  return {
    runs,
    requests,
    troubles,
    url: `http://127.0.0.1:${port}/chat`,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function read(url: string, options: ConnectOptions = {}) {
  const heard: string[] = []
  const errors: ConnectError[] = []
  const connection = connect(url, { method: 'POST', body: 'q1', onError: (error) => errors.push(error), ...options })
  connection.on(({ data }) => heard.push(String(data)))
  undo.push(connection.close)
  return { connection, heard, errors }
}

/** What a page keeps. */
function page() {
  const kept = new Map<string, string>()
  return {
    kept,
    store: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    },
  }
}

const counting =
  (count: number, pause = 2) =>
  async ({ send }: Production) => {
    for (let n = 0; n < count; n++) {
      await send(`${n}`)
      await sleep(pause)
    }
    return { count }
  }
const upTo = (count: number) => Array.from({ length: count }, (_, n) => `${n}`)

describe('an answer that a POST began', () => {
  test('is asked for once, and had by GET after each cut, to its end', async () => {
    const { url, requests, cut } = await serve(counting(200))
    const { connection, heard } = read(url, { headers: { authorization: 'Bearer x', 'content-type': 'text/plain' } })
    for (let n = 1; n <= 5; n++) {
      while (heard.length < n * 30) await sleep(2)
      cut()
    }
    expect(await connection.closed).toBe('ended')
    expect(heard).toEqual(upTo(200))
    expect(connection.outcome).toEqual({ state: 'finished', value: { count: 200 } })
    const [first, ...others] = requests
    expect([first?.method, first?.url, first?.body]).toEqual(['POST', '/chat', 'q1'])
    expect(others.length).toBe(5)
    for (const { method, url, headers, body } of others) {
      expect([method, url, body, headers.authorization]).toEqual(['GET', '/chat/q1', '', 'Bearer x'])
      expect([headers['content-type'], headers['last-event-id']]).toEqual([undefined, expect.any(String)])
    }
  })

  test('does not show its outcome as an event', async () => {
    const { url } = await serve(({ send }) => send({ type: 'token', data: 'a' }))
    const { connection } = read(url)
    const types: string[] = []
    for await (const { type } of connection) types.push(type)
    expect([types, connection.outcome?.state]).toEqual([['token'], 'finished'])
  })

  test('that fails is an error with what the server says', async () => {
    const { url } = await serve(async ({ send }) => {
      await send('a')
      throw new RunFailure('no-credit', 'buy some')
    })
    const { connection, heard, errors } = read(url)
    expect(await connection.closed).toBe('failed')
    expect(heard).toEqual(['a'])
    expect(connection.outcome).toEqual({ state: 'failed', code: 'no-credit', message: 'buy some' })
    expect(errors).toEqual([
      expect.objectContaining({ code: 'run-failed', message: expect.stringContaining('buy some'), retryable: false }),
    ])
  })

  test('that is stopped ends for all who read it', async () => {
    const { url, runs } = await serve(counting(10_000))
    const { connection, heard } = read(url)
    while (heard.length < 3) await sleep(2)
    await runs.stop('q1', 'enough')
    expect(await connection.closed).toBe('ended')
    expect(connection.outcome).toEqual({ state: 'stopped', reason: 'enough' })
  })

  test('goes on over a reload, without a second POST, and is forgotten at its end', async () => {
    const { url, requests } = await serve(counting(100))
    const { kept, store } = page()
    const first = read(url, { resume: storage(store, 'chat') })
    while (first.heard.length < 30) await sleep(2)
    first.connection.close()
    const had = first.heard.length
    expect(kept.get('chat')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/chat\/q1\n.+\.\d+$/)
    const second = read(url, { body: 'another', resume: storage(store, 'chat') })
    expect(await second.connection.closed).toBe('ended')
    expect([...first.heard.slice(0, had), ...second.heard]).toEqual(upTo(100))
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET'])
    expect(kept.get('chat')).toBe('')
    // The next question is another one.
    const third = read(url, { body: 'q2', resume: storage(store, 'chat') })
    await third.connection.opened
    expect(requests.at(-1)).toMatchObject({ method: 'POST', body: 'q2' })
  })

  test('is read from its beginning over a reload where what was shown went with the page', async () => {
    const { url, requests } = await serve(counting(100))
    const { kept, store } = page()
    const first = read(url, { resume: storage(store, 'chat', { whole: true }) })
    while (first.heard.length < 30) await sleep(2)
    first.connection.close()
    const second = read(url, { body: 'another', resume: storage(store, 'chat', { whole: true }) })
    while (second.heard.length < 30) await sleep(2)
    second.connection.reconnect() // a cut is no reload
    expect(await second.connection.closed).toBe('ended')
    expect(second.heard).toEqual(upTo(100))
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET'])
    expect(kept.get('chat')).toBe('')
  })

  test('goes on over a reload before its first event, too', async () => {
    let go = (): void => {}
    const { url, requests } = await serve(async ({ send }) => {
      await new Promise<void>((resolve) => (go = resolve))
      await send('a')
    })
    const { store } = page()
    const first = read(url, { resume: storage(store) })
    await first.connection.opened
    first.connection.close()
    const second = read(url, { resume: storage(store) })
    await second.connection.opened
    go()
    await second.connection.closed
    expect([second.heard, requests.map(({ method }) => method)]).toEqual([['a'], ['POST', 'GET']])
  })

  test('that is gone when a page comes back is no answer for ever: the next time it is asked anew', async () => {
    const { url, requests } = await serve(counting(3))
    const { kept, store } = page()
    kept.set('chat', `${url}/long-gone\nx.7`)
    const first = read(url, { resume: storage(store, 'chat') })
    expect(await first.connection.closed).toBe('failed')
    expect(first.errors.at(-1)).toMatchObject({ status: 404 })
    const second = read(url, { resume: storage(store, 'chat') })
    expect(await second.connection.closed).toBe('ended')
    expect([second.heard, requests.map(({ method }) => method)]).toEqual([upTo(3), ['GET', 'POST']])
  })

  test('is asked for again only with a key where no answer came, and begun once', async () => {
    let begun = 0
    const produce = (production: Production) => {
      begun++
      return counting(5)(production)
    }
    const { url, requests, troubles } = await serve(produce)
    troubles.push('cut')
    const without = read(url)
    expect(await without.connection.closed).toBe('failed')
    expect(requests.length).toBe(1)
    troubles.push('cut', 'after')
    const withKey = read(url, { idempotencyKey: true, retry: { base: 1 } })
    expect([await withKey.connection.closed, withKey.heard]).toEqual(['ended', upTo(5)])
    const keys = requests.slice(-3).map(({ headers }) => headers['idempotency-key'])
    expect([keys.length, new Set(keys).size]).toEqual([3, 1])
    const named = read(url, { idempotencyKey: 'mine' })
    expect(await named.connection.closed).toBe('ended')
    expect([named.heard, requests.at(-1)?.headers['idempotency-key']]).toEqual([upTo(5), 'mine'])
    expect(begun).toBe(2)
  })
})

describe('where a run is read', () => {
  const answer = (location: string, body = 'id: e.1\ndata: a\n\n') =>
    new Response(body, {
      headers: { 'content-type': 'text/event-stream', unmissed: 'ids=unique, run', 'content-location': location },
    })

  test('is not another origin’s to say', async () => {
    const asked: string[] = []
    const { connection } = read('https://one.test/chat', {
      fetch: async (url, { method }) => {
        asked.push(`${method} ${url}`)
        return answer('https://two.test/chat/q1')
      },
    })
    await connection.closed
    expect(asked).toEqual(['POST https://one.test/chat'])
  })

  test('at another origin than the one that was asked gets none of the caller’s headers', async () => {
    const asked: string[][] = []
    const { connection, heard } = read('https://one.test/chat', {
      headers: { 'x-api-key': 'secret' },
      retry: { base: 1, max: 1 },
      fetch: async (url, { method, headers }) => {
        asked.push([`${method} ${url}`, new Headers(headers).get('x-api-key') ?? 'none'])
        if (url.startsWith('https://one'))
          return new Response(null, { status: 307, headers: { location: 'https://two.test/chat' } })
        return asked.length < 3
          ? answer('/chat/q1')
          : answer('/chat/q1', 'id: e.2\nevent: outcome\ndata: {"state":"finished"}\n\n')
      },
    })
    expect(await connection.closed).toBe('ended')
    expect(heard).toEqual(['a'])
    expect(asked).toEqual([
      ['POST https://one.test/chat', 'secret'],
      ['POST https://two.test/chat', 'none'],
      ['GET https://two.test/chat/q1', 'none'],
    ])
  })

  test('is where a redirect has led, too', async () => {
    const asked: string[] = []
    const { connection, heard } = read('https://one.test/chat', {
      retry: { base: 1, max: 1 },
      fetch: async (url, { method }) => {
        asked.push(`${method} ${url}`)
        if (method === 'POST') return new Response(null, { status: 303, headers: { location: '/chat/q1' } })
        return asked.length < 3
          ? answer('./q1')
          : answer('./q1', 'id: e.2\nevent: outcome\ndata: {"state":"finished"}\n\n')
      },
    })
    expect(await connection.closed).toBe('ended')
    expect([heard, asked]).toEqual([
      ['a'],
      ['POST https://one.test/chat', 'GET https://one.test/chat/q1', 'GET https://one.test/chat/q1'],
    ])
  })

  test('is nothing that other servers can say, whose events may have any name', async () => {
    const response = () =>
      new Response('event: outcome\ndata: x\n\n', {
        headers: { 'content-type': 'text/event-stream', 'content-location': '/other' },
      })
    const asked: string[] = []
    const types: string[] = []
    const connection = connect('https://one.test/chat', {
      retry: { base: 1, max: 1 },
      onError: () => {},
      fetch: async (url, { method }) => {
        asked.push(`${method} ${url}`)
        return response()
      },
    })
    connection.on(({ type }) => {
      if (types.push(type) === 2) connection.close()
    })
    await connection.closed
    expect([asked, types, connection.outcome]).toEqual([
      Array(2).fill('GET https://one.test/chat'),
      ['outcome', 'outcome'],
      undefined,
    ])
  })
})
