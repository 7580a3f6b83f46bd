import { connect, EventDecoderStream, EventEncoderStream, events } from 'unmissed'

/** Waits that tests can afford: what the server asks for, and no jitter. */
const quick = { base: 10, random: () => 0 }

const held = (...chunks) => ({ chunks: chunks.length > 0 ? chunks : [':\n\n'], ending: 'hang' })
const ids = async (stream) => (await stream.seen()).map(({ headers }) => headers['last-event-id'])

/** Opens a stream of these answers, and closes it when the test is over. */
async function open(t, answers, options = {}) {
  const stream = await t.stream(answers)
  const connection = connect(stream.url, { retry: quick, ...options })
  t.after(() => connection.close())
  return { connection, stream }
}

/** The next `count` events as data. */
async function take(connection, count) {
  const found = []
  for await (const { data } of connection.iterate()) if (found.push(data) === count) break
  return found
}

const named = (capability, tests) => tests.map((test) => ({ capability, ...test }))

export const client = [
  ...named('connect', [
    {
      name: 'opens, delivers by type, and tells its states',
      async run(t) {
        const states = []
        const { connection, stream } = await open(t, [held('event: tick\ndata: 1\n\ndata: 2\n\n')], {
          onState: ({ state }) => states.push(state),
          headers: async () => ({ authorization: 'Bearer x' }),
        })
        const heard = []
        connection.on('tick', ({ data }) => heard.push(`tick ${data}`))
        connection.on(({ type, data }) => heard.push(`any ${type} ${data}`))
        await connection.opened
        await t.until(() => heard.length === 3)
        connection.close()
        t.equal(heard, ['tick 1', 'any tick 1', 'any message 2'])
        t.equal([states, await connection.closed], [['open', 'closed'], 'closed'])
        const [{ method, headers }] = await stream.seen()
        t.equal([method, headers.accept, headers.authorization], ['GET', 'text/event-stream', 'Bearer x'])
      },
    },
    {
      name: 'for await takes the events and closes when it is left',
      async run(t) {
        const { connection, stream } = await open(t, [held('data: 1\n\ndata: 2\n\ndata: 3\n\n')])
        const found = []
        for await (const { data } of connection) {
          if (found.push(data) < 2) continue
          // Firefox misses an abort in a worker now and then, if it comes in the very moment in which the body begins.
          await t.sleep(50)
          break
        }
        t.equal([found, await connection.closed], [['1', '2'], 'closed'])
        await t.until(async () => (await stream.seen())[0].aborted, 'the server sees the end')
      },
    },
    {
      name: 'a status that no repetition heals fails, and says what the server said',
      async run(t) {
        const { connection } = await open(t, [
          { status: 404, headers: { 'content-type': 'text/plain' }, chunks: ['no such stream'] },
        ])
        t.equal(await connection.closed, 'failed')
        const { code, status, body, retryable } = connection.snapshot.error
        t.equal([code, status, body, retryable], ['status', 404, 'no such stream', false])
      },
    },
    {
      name: '204 stops without an error',
      async run(t) {
        const { connection } = await open(t, [{ status: 204 }])
        t.equal([await connection.closed, connection.snapshot.error], ['stopped', undefined])
      },
    },
    {
      name: 'a redirect is followed',
      async run(t) {
        const target = await t.stream([{ chunks: ['data: 1\n\n'] }])
        const { connection } = await open(t, [{ status: 307, headers: { location: target.url } }])
        t.equal(await take(connection, 1), ['1'])
      },
    },
    {
      name: 'events() reads one answer, and leaving it cancels the body',
      async run(t) {
        const stream = await t.stream([held('id: 1\ndata: a\n\nevent: b\ndata: c\n\n')])
        const abort = new AbortController()
        t.after(() => abort.abort())
        const found = []
        const response = await fetch(stream.url, { signal: abort.signal })
        for await (const event of events(response)) if (found.push(event) === 2) break
        t.equal(found, [
          { type: 'message', data: 'a', id: '1' },
          { type: 'b', data: 'c', id: '1' },
        ])
      },
    },
    {
      name: 'the web streams turn events into bytes and back',
      async run(t) {
        const given = [
          { type: 'tick', data: 'é\nb', id: '1' },
          { type: 'message', data: '', id: '1' },
        ]
        const source = new ReadableStream({
          start(controller) {
            for (const event of given) controller.enqueue(event)
            controller.close()
          },
        })
        const found = []
        const reader = source.pipeThrough(new EventEncoderStream()).pipeThrough(new EventDecoderStream()).getReader()
        for (let result = await reader.read(); !result.done; result = await reader.read()) found.push(result.value)
        t.equal(found, given)
      },
    },
  ]),
  ...named('resume', [
    {
      name: 'resumes after the last event that was whole, whatever broke the connection',
      async run(t) {
        const { connection, stream } = await open(t, [
          { chunks: ['id: 1\ndata: 1\n\nid: 2\ndata: lost', 20], ending: 'reset' },
          { chunks: ['id: 2\ndata: 2\n\n'] },
          { status: 503 },
          held('id: 3\ndata: 3\n\n'),
        ])
        t.equal(await take(connection, 3), ['1', '2', '3'])
        t.equal([await ids(stream), connection.lastEventId], [[undefined, '1', '2', '2'], '3'])
      },
    },
    {
      name: 'begins after a given id, and keeps the newest',
      async run(t) {
        const saved = []
        const resume = { load: async () => '7', save: (id) => saved.push(id) }
        const { connection, stream } = await open(t, [held('id: 8\ndata: 8\n\n')], { resume })
        t.equal(await take(connection, 1), ['8'])
        await t.until(() => saved.length === 1)
        t.equal([await ids(stream), saved], [['7'], ['8']])
      },
    },
    {
      name: 'an id that no header can carry goes into the query, and the connection lives on',
      async run(t) {
        const { connection, stream } = await open(t, [{ chunks: ['id: a\u0001b\ndata: 1\n\n'] }, held('data: 2\n\n')])
        t.equal(await take(connection, 2), ['1', '2'])
        t.equal(new URL((await stream.seen())[1].url, t.base).searchParams.get('lastEventId'), 'a\u0001b')
      },
    },
    {
      name: 'events whose id was delivered are dropped where the server announces unique ids',
      async run(t) {
        const headers = { unmissed: 'ids=unique', 'access-control-expose-headers': 'unmissed' }
        const { connection } = await open(t, [
          { headers, chunks: ['id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n'] },
          { headers, ...held('id: 2\ndata: 2\n\nid: 3\ndata: 3\n\n') },
        ])
        t.equal(await take(connection, 3), ['1', '2', '3'])
      },
    },
  ]),
  ...named('backoff', [
    {
      name: 'waits grow while attempts fail, from what the server asked for',
      async run(t) {
        const delays = []
        const { connection, stream } = await open(
          t,
          [{ chunks: ['retry: 20\ndata: 1\n\n'] }, { status: 503 }, { status: 503 }, held('data: 2\n\n')],
          { retry: { random: () => 1, max: 2000 }, onError: ({ delay }) => delays.push(delay) },
        )
        t.equal(await take(connection, 2), ['1', '2'])
        t.ok(
          delays.length === 3 && delays[0] >= 20 && delays[1] > delays[0] && delays[2] > delays[1],
          `delays ${delays}`,
        )
        const seen = await stream.seen()
        for (let n = 0; n < 3; n++)
          t.ok(
            seen[n + 1].at - seen[n].at >= delays[n] - 5,
            `attempt ${n + 2} came after ${seen[n + 1].at - seen[n].at} ms, asked ${delays[n]}`,
          )
      },
    },
    {
      name: 'Retry-After is obeyed',
      async run(t) {
        const refused = { status: 429, headers: { 'retry-after': '1', 'access-control-expose-headers': 'retry-after' } }
        const { connection, stream } = await open(t, [refused, held('data: 1\n\n')])
        t.equal(await take(connection, 1), ['1'])
        const [first, second] = await stream.seen()
        t.ok(second.at - first.at >= 990, `came back after ${second.at - first.at} ms`)
      },
    },
    {
      name: 'a retry of 2^31 ms and more waits, and does not spin',
      async run(t) {
        const { connection, stream } = await open(t, [{ chunks: ['retry: 99999999999\ndata: 1\n\n'] }])
        await t.until(() => connection.state === 'waiting')
        await t.sleep(100)
        t.equal((await stream.seen()).length, 1)
      },
    },
    {
      name: 'a stream that falls silent is given up and reconnected',
      async run(t) {
        const codes = []
        const { connection } = await open(t, [held('data: 1\n\n'), held('data: 2\n\n')], {
          idleTimeout: 150,
          onError: ({ code }) => codes.push(code),
        })
        t.equal(await take(connection, 2), ['1', '2'])
        t.equal(codes, ['timeout-idle'])
      },
    },
  ]),
  ...named('abort', [
    {
      name: 'a signal ends it everywhere: state, iteration, and the connection at the server',
      async run(t) {
        const abort = new AbortController()
        const { connection, stream } = await open(t, [held('data: 1\n\n')], { signal: abort.signal })
        const found = []
        for await (const { data } of connection) {
          found.push(data)
          await t.sleep(50)
          abort.abort()
        }
        t.equal([found, await connection.closed, connection.state], [['1'], 'aborted', 'closed'])
        await t.until(async () => (await stream.seen())[0].aborted, 'the server sees the end')
      },
    },
    {
      name: 'a signal that is aborted already asks nothing',
      async run(t) {
        const { connection, stream } = await open(t, [held()], { signal: AbortSignal.abort() })
        t.equal(await connection.closed, 'aborted')
        await t.sleep(30)
        t.equal(await stream.seen(), [])
      },
    },
    {
      name: 'close() before the answer and while waiting leaves no request behind',
      async run(t) {
        const first = await open(t, [held()])
        first.connection.close()
        const second = await open(t, [{ status: 503 }], { retry: { base: 50 } })
        await t.until(() => second.connection.state === 'waiting')
        second.connection.close()
        await t.sleep(120)
        t.equal([await first.connection.closed, await second.connection.closed], ['closed', 'closed'])
        t.equal((await second.stream.seen()).length, 1)
      },
    },
    {
      name: 'pause() hangs up, resume() comes back with the id',
      async run(t) {
        const { connection, stream } = await open(t, [held('id: 1\ndata: 1\n\n'), held('data: 2\n\n')])
        t.equal(await take(connection, 1), ['1'])
        await t.sleep(50)
        connection.pause()
        await t.until(async () => (await stream.seen())[0].aborted, 'the server sees the end')
        t.equal(connection.state, 'paused')
        connection.unpause()
        t.equal([await take(connection, 1), await ids(stream)], [['2'], [undefined, '1']])
      },
    },
  ]),
  ...named('POST', [
    {
      name: 'sends its body, takes the answer until its end, and is not sent twice',
      async run(t) {
        const { connection, stream } = await open(t, [{ chunks: ['data: {"a":1}\n\n', 'data: [DONE]\n\n'] }], {
          retry: undefined,
          method: 'POST',
          body: JSON.stringify({ question: 'é' }),
          headers: { 'content-type': 'application/json' },
          until: '[DONE]',
        })
        const found = []
        for await (const { data } of connection) found.push(data)
        t.equal([found, await connection.closed], [['{"a":1}'], 'ended'])
        await t.sleep(50)
        const seen = await stream.seen()
        t.equal(
          seen.map(({ method, body, headers }) => [method, body, headers['content-type']]),
          [['POST', '{"question":"é"}', 'application/json']],
        )
      },
    },
    {
      name: 'one that breaks fails rather than ask twice',
      async run(t) {
        const { connection, stream } = await open(t, [{ chunks: ['data: 1\n\n', 20], ending: 'reset' }], {
          retry: undefined,
          method: 'POST',
          body: 'x',
        })
        t.equal(await connection.closed, 'failed')
        await t.sleep(50)
        t.equal((await stream.seen()).length, 1)
      },
    },
  ]),
  ...named('backpressure', [
    {
      name: 'a reader that stops is felt by the server, and nothing is lost when it goes on',
      async run(t) {
        const { connection, stream } = await open(t, [{ ending: 'flood' }], { highWaterMark: 2, retry: false })
        const written = async () => (await stream.seen())[0]?.written ?? 0
        const iterator = connection[Symbol.asyncIterator]()
        await iterator.next()
        // Sockets buffer some megabytes between; then it must stand still.
        let before = -1
        await t.until(async () => {
          const now = await written()
          t.ok(now < 2 ** 25, 'more than 32 MiB were taken for a reader that stopped')
          const stands = now === before
          before = now
          await t.sleep(250)
          return stands
        }, 'the flood stands still')
        for (let count = 0; count < 100; count++) t.equal((await iterator.next()).value.data.length, 65_536)
        await t.until(async () => (await written()) > before, 'the flood goes on')
        await iterator.return()
      },
    },
  ]),
]
