/**
 * WHATWG HTML §9.2 as tests of one class. They are run against ours in every runtime, and against the native one where
 * there is one, which is how we know that they ask for what the standard says.
 */
export function clauses(EventSource) {
  const { CONNECTING, OPEN, CLOSED } = { CONNECTING: 0, OPEN: 1, CLOSED: 2 }

  /** Opens a stream of these answers, and closes it when the test is over. */
  async function open(t, answers, options) {
    const stream = await t.stream(answers, options)
    const source = new EventSource(stream.url)
    t.after(() => source.close())
    return { source, stream }
  }
  const next = (source, type) => new Promise((resolve) => source.addEventListener(type, resolve, { once: true }))
  /** The data of the first `count` messages. */
  const messages = (source, count, field = 'data') =>
    new Promise((resolve) => {
      const found = []
      source.addEventListener('message', (event) => found.push(event[field]) === count && resolve(found))
    })
  /** An answer that stays open. With a comment at least, because Firefox tells of no head before a byte of the body. */
  const held = (...chunks) => ({ chunks: chunks.length > 0 ? chunks : [':\n\n'], ending: 'hang' })
  const ids = async (stream) => (await stream.seen()).map(({ headers }) => headers['last-event-id'])

  const inPages = () => [
    {
      name: 'a relative URL is relative to the document or the worker',
      async run(t) {
        const { path, url } = await t.stream([held('data: 1\n\n')])
        const source = new EventSource(path)
        t.after(() => source.close())
        t.equal([source.url, await messages(source, 1)], [url, ['1']])
      },
    },
    {
      name: 'cookies go to another origin with withCredentials, and not without',
      async run(t) {
        const cookie = `c${Math.random().toString(36).slice(2)}`
        await fetch(`${t.base}/cookie/${cookie}`)
        const stream = await t.stream([held('data: 1\n\n')], { origin: await t.sibling() })
        for (const withCredentials of [true, false]) {
          const source = new EventSource(stream.url, { withCredentials })
          t.after(() => source.close())
          await next(source, 'message')
        }
        t.equal(
          (await stream.seen()).map(({ headers }) => Boolean(headers.cookie?.includes(cookie))),
          [true, false],
        )
      },
    },
    {
      name: 'another origin is resumed, too, and its events carry its origin',
      async run(t) {
        const origin = await t.sibling()
        const { source, stream } = await open(t, [{ chunks: ['retry: 10\nid: 1\ndata: 1\n\n'] }, held('data: 2\n\n')], {
          origin,
        })
        t.equal(await messages(source, 2, 'origin'), [origin, origin])
        t.equal(await ids(stream), [undefined, '1'])
      },
    },
    {
      name: 'an answer of another origin that does not allow it is never opened',
      async run(t) {
        const forbidden = { headers: { 'access-control-allow-origin': '' }, chunks: ['data: 1\n\n'] }
        const { source } = await open(t, [forbidden], { origin: await t.sibling() })
        for (const type of ['open', 'message']) source.addEventListener(type, () => t.ok(false, `${type} was fired`))
        await next(source, 'error')
        t.ok(source.readyState !== OPEN, 'it is not open')
      },
    },
  ]

  return [
    // §9.2.2 The EventSource interface
    {
      name: 'the constructor cannot be called, and wants one argument',
      run(t) {
        for (const act of [() => EventSource('/'), () => new EventSource()]) t.throws(act, TypeError)
        t.equal([EventSource.name, EventSource.length], ['EventSource', 1])
      },
    },
    {
      name: 'a URL that cannot be parsed throws a SyntaxError',
      run(t) {
        const error = t.throws(() => new EventSource('http://[is not an address]/'), DOMException)
        t.equal(error.name, 'SyntaxError')
      },
    },
    {
      name: 'the second argument must be an object, where it is given',
      run: (t) => t.throws(() => new EventSource(t.base, 7), TypeError),
    },
    {
      name: 'url is absolute, normalized, and made of whatever has a string form',
      run(t) {
        const source = new EventSource({ toString: () => `${t.base}/nothing/../a b?c=é#d` })
        source.close()
        t.equal(source.url, `${t.base}/a%20b?c=%C3%A9#d`)
      },
    },
    {
      name: 'withCredentials is false, or what the dictionary says as a boolean',
      run(t) {
        const values = [
          undefined,
          null,
          {},
          { withCredentials: true },
          { withCredentials: 'yes' },
          { withCredentials: 0 },
        ]
        const found = values.map((init) => {
          const source = new EventSource(t.base, init)
          source.close()
          return source.withCredentials
        })
        t.equal(found, [false, false, false, true, true, false])
      },
    },
    {
      name: 'the constants stand on class and instances, enumerable and read-only',
      run(t) {
        for (const holder of [EventSource, EventSource.prototype])
          for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSED }))
            t.equal(Object.getOwnPropertyDescriptor(holder, name), {
              value,
              writable: false,
              enumerable: true,
              configurable: false,
            })
      },
    },
    {
      name: 'attributes are enumerable accessors of the prototype, read-only where the IDL says so',
      run(t) {
        const shape = (name) => {
          const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(EventSource.prototype, name)
          return [get.name, set?.name, enumerable, configurable]
        }
        for (const name of ['url', 'withCredentials', 'readyState'])
          t.equal(shape(name), [`get ${name}`, undefined, true, true])
        for (const name of ['onopen', 'onmessage', 'onerror'])
          t.equal(shape(name), [`get ${name}`, `set ${name}`, true, true])
        const { value, ...rest } = Object.getOwnPropertyDescriptor(EventSource.prototype, 'close')
        t.equal(
          [value.name, value.length, rest],
          ['close', 0, { writable: true, enumerable: true, configurable: true }],
        )
      },
    },
    {
      name: 'the class string is EventSource',
      run(t) {
        const tag = Object.getOwnPropertyDescriptor(EventSource.prototype, Symbol.toStringTag)
        t.equal(tag, { value: 'EventSource', writable: false, enumerable: false, configurable: true })
        t.equal(Object.getOwnPropertyDescriptor(EventSource, 'prototype').writable, false)
        t.equal(Object.getPrototypeOf(EventSource), EventTarget)
      },
    },
    {
      name: 'attributes refuse to be read from anything else',
      run(t) {
        for (const name of ['url', 'withCredentials', 'readyState', 'onopen'])
          t.throws(() => Reflect.get(EventSource.prototype, name, {}), TypeError)
        t.throws(() => EventSource.prototype.close.call({}), TypeError)
      },
    },
    {
      name: 'readyState is CONNECTING, then OPEN from the open event on, then CLOSED',
      async run(t) {
        const { source } = await open(t, [held()])
        const states = [source.readyState]
        await next(source, 'open')
        states.push(source.readyState)
        source.close()
        states.push(source.readyState)
        t.equal(states, [CONNECTING, OPEN, CLOSED])
      },
    },
    // §8.1.8.1 Event handlers
    {
      name: 'an event handler is null, a function or an object, and anything else counts as null',
      run(t) {
        const source = new EventSource(t.base)
        source.close()
        const object = {}
        const run = () => {}
        for (const name of ['onopen', 'onmessage', 'onerror']) {
          t.equal(source[name], null, name)
          for (const [given, kept] of [
            [run, run],
            ['run()', null],
            [object, object],
            [7, null],
            [run, run],
            [undefined, null],
          ]) {
            source[name] = given
            t.ok(source[name] === kept, `${name} = ${String(given)}`)
          }
        }
      },
    },
    {
      name: 'an event handler keeps its place among the listeners when replaced, and loses it when set to null',
      async run(t) {
        const { source } = await open(t, [held('data: 1\n\n', 'data: 2\n\n')])
        const calls = []
        source.onmessage = () => calls.push('never')
        source.addEventListener('message', () => calls.push('listener'))
        source.onmessage = () => calls.push('handler')
        await next(source, 'message')
        source.onmessage = null
        source.onmessage = () => calls.push('again')
        await next(source, 'message')
        t.equal(calls, ['handler', 'listener', 'listener', 'again'])
      },
    },
    {
      name: 'an event handler runs with the source as this, and an object is not called',
      async run(t) {
        const { source } = await open(t, [held('data: 1\n\n')])
        let self
        source.onopen = { handleEvent: () => t.ok(false, 'was called') }
        source.onmessage = function (event) {
          self = [this === source, event.target === source, event.currentTarget === source]
        }
        await next(source, 'message')
        t.equal(self, [true, true, true])
      },
    },
    // §9.2.2 the constructor's request
    {
      name: 'the request is a GET for text/event-stream that asks caches to be fresh, without Last-Event-ID',
      async run(t) {
        const { source, stream } = await open(t, [held()])
        await next(source, 'open')
        const [{ method, headers }] = await stream.seen()
        t.equal([method, headers.accept, headers['last-event-id']], ['GET', 'text/event-stream', undefined])
        t.ok(/no-cache|no-store/.test(headers['cache-control']), `cache-control: ${headers['cache-control']}`)
      },
    },
    {
      name: 'close() before the answer sends nothing, or aborts, and fires nothing',
      async run(t) {
        const { source, stream } = await open(t, [{ status: 500 }])
        let fired = 0
        for (const type of ['open', 'error']) source.addEventListener(type, () => fired++)
        source.close()
        source.close()
        await t.sleep(100)
        t.equal([fired, source.readyState, (await stream.seen()).length <= 1], [0, CLOSED, true])
      },
    },
    {
      name: 'close() aborts the request',
      async run(t) {
        const { source, stream } = await open(t, [held()])
        await next(source, 'open')
        // Firefox misses an abort in a worker now and then, if it comes in the very moment in which the body begins.
        await t.sleep(50)
        source.close()
        await t.until(async () => (await stream.seen())[0].aborted, 'the server sees the end')
      },
    },
    {
      name: 'close() in a listener keeps back what came with its event',
      async run(t) {
        const { source } = await open(t, [{ chunks: ['data: 1\n\ndata: 2\n\n'] }])
        const heard = []
        source.onerror = () => heard.push('error')
        source.onmessage = ({ data }) => {
          heard.push(data)
          source.close()
        }
        await next(source, 'message')
        await t.sleep(50)
        t.equal([heard, source.readyState], [['1'], CLOSED])
      },
    },
    // §9.2.3 Processing model: announce the connection
    {
      name: 'open is a plain event, fired before the first message',
      async run(t) {
        const { source } = await open(t, [held('data: 1\n\n')])
        const order = []
        let opened
        source.onopen = (event) => {
          order.push('open')
          opened = event
        }
        source.onmessage = () => order.push('message')
        await next(source, 'message')
        t.equal(order, ['open', 'message'])
        t.equal(
          [opened.type, opened.bubbles, opened.cancelable, opened instanceof MessageEvent],
          ['open', false, false, false],
        )
      },
    },
    {
      name: 'open waits for the head of the answer only, not for an event',
      async run(t) {
        const { source } = await open(t, [{ ending: 'hang' }])
        await t.within(1000, next(source, 'open'))
      },
    },
    // §9.2.3 fail the connection
    ...[204, 205, 210, 400, 401, 404, 410, 500, 503].map((status) => ({
      name: `status ${status} fails the connection: one error, CLOSED, and no way back`,
      async run(t) {
        const { source, stream } = await open(t, [{ status, chunks: status < 206 ? [] : ['retry: 1\ndata: no\n\n'] }])
        let heard = 0
        for (const type of ['open', 'message', 'error']) source.addEventListener(type, () => heard++)
        const error = await next(source, 'error')
        t.equal(
          [error.type, error.bubbles, error.cancelable, Object.hasOwn(error, 'data')],
          ['error', false, false, false],
        )
        t.equal(source.readyState, CLOSED)
        await t.sleep(40)
        t.equal([heard, (await stream.seen()).length], [1, 1])
      },
    })),
    ...[
      'text/html',
      'text/x-bogus',
      'text/event-stream-x',
      'text/event-streamx; a=b',
      'application/json; a=text/event-stream',
      '',
    ].map((type) => ({
      name: `content type "${type}" fails the connection`,
      async run(t) {
        const { source } = await open(t, [{ headers: { 'content-type': type }, chunks: ['retry: 1\ndata: no\n\n'] }])
        source.onmessage = () => t.ok(false, 'an event came')
        await next(source, 'error')
        t.equal(source.readyState, CLOSED)
      },
    })),
    {
      name: 'an answer that was refused does not stay open',
      async run(t) {
        const { source, stream } = await open(t, [{ headers: { 'content-type': 'text/html' }, ...held() }])
        await next(source, 'error')
        await t.until(async () => (await stream.seen())[0].aborted, 'the server sees the end')
      },
    },
    ...[
      'text/event-stream;',
      'text/event-stream; charset=windows-1252',
      'Text/Event-Stream',
      'text/event-stream;bogus',
      'text/event-stream ; x="y"',
    ].map((type) => ({
      name: `content type "${type}" is accepted, and its text is UTF-8 whatever it says`,
      async run(t) {
        const { source } = await open(t, [{ headers: { 'content-type': type }, ...held('data: ok…\n\n') }])
        t.equal(await messages(source, 1), ['ok…'])
      },
    })),
    {
      name: 'of several content types the last that is one counts',
      async run(t) {
        for (const [types, isAccepted] of [
          [['text/html', 'text/event-stream'], true],
          [['text/event-stream', 'text/html'], false],
          [['text/event-stream', 'bogus'], true],
          [['text/event-stream', '*/*'], true],
          [['text/event-stream', ''], true],
          [['text/event-stream, text/html'], false],
          [['text/html, Text/Event-Stream;a=b'], true],
          [['text/event-stream;a="b,text/html"'], true],
          [['text/html;a="', 'text/event-stream'], false],
        ]) {
          const { source } = await open(t, [{ headers: { 'content-type': types }, ...held('data: 1\n\n') }])
          await Promise.race([next(source, 'message'), next(source, 'error')])
          t.equal(source.readyState, isAccepted ? OPEN : CLOSED, types.join(' | '))
          source.close()
        }
      },
    },
    {
      name: 'a name and a password in the address fail the connection, without a request',
      async run(t) {
        const { url, seen } = await t.stream([held('data: 1\n\n')])
        const source = new EventSource(url.replace('//', '//name:word@'))
        t.after(() => source.close())
        await Promise.race([next(source, 'message'), next(source, 'error')])
        t.equal([source.readyState, (await seen()).length], [CLOSED, 0])
      },
    },
    ...['ftp://example.invalid/', 'about:blank', 'mailto:nobody@example.invalid', 'javascript:throw 1'].map((url) => ({
      name: `an address that no network has fails the connection: ${url}`,
      async run(t) {
        const source = new EventSource(url)
        t.after(() => source.close())
        await next(source, 'error')
        t.equal(source.readyState, CLOSED)
      },
    })),
    // §9.2.3 reestablish the connection
    {
      name: 'the end of a body reestablishes the connection: error with CONNECTING, then open again',
      async run(t) {
        const { source } = await open(t, [{ chunks: ['retry: 10\ndata: 1\n\n'] }, held('data: 2\n\n')])
        const order = []
        for (const type of ['open', 'message', 'error'])
          source.addEventListener(type, ({ data = '' }) => order.push(`${type}${data} ${source.readyState}`))
        await messages(source, 2)
        t.equal(order, ['open 1', 'message1 1', 'error 0', 'open 1', 'message2 1'])
      },
    },
    {
      name: 'a body that breaks reestablishes the connection, and what was unfinished is gone',
      async run(t) {
        const broken = { chunks: ['retry: 10\nid: 1\ndata: 1\n\n', 'id: 2\ndata: lost\n', 20], ending: 'reset' }
        const { source, stream } = await open(t, [broken, held('data: 2\n\n')])
        t.equal(await messages(source, 2), ['1', '2'])
        t.equal(await ids(stream), [undefined, '1'])
      },
    },
    {
      name: 'a network error reestablishes the connection, as often as it takes',
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: ['retry: 10\ndata: 1\n\n'] },
          { status: 0 },
          { status: 0 },
          held('data: 2\n\n'),
        ])
        const states = []
        source.onerror = () => states.push(source.readyState)
        t.equal(await messages(source, 2), ['1', '2'])
        // A browser may ask again by itself when a connection breaks before its answer, so not each failure is told.
        t.ok(states.length > 0 && states.every((state) => state === CONNECTING), `states ${states}`)
        t.ok((await stream.seen()).length >= 4, 'each answer was asked for')
      },
    },
    ...[
      ['an address that cannot be parsed', 'http://[nowhere'],
      ['itself, for ever', 'loop'],
    ].map(([where, location]) => ({
      name: `a redirect to ${where} is a network error, which reestablishes the connection`,
      async run(t) {
        const stream = await t.stream([{ status: 302, headers: { location } }])
        const source = new EventSource(`${stream.url}/`)
        t.after(() => source.close())
        await next(source, 'error')
        t.equal(source.readyState, CONNECTING)
      },
    })),
    {
      name: 'close() while waiting ends it: nothing more is asked',
      async run(t) {
        const { source, stream } = await open(t, [{ chunks: ['retry: 30\ndata: 1\n\n'] }])
        await next(source, 'error')
        source.close()
        await t.sleep(120)
        t.equal([(await stream.seen()).length, source.readyState], [1, CLOSED])
      },
    },
    {
      name: 'the reconnection time is what the last retry field with digits alone says',
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: ['retry: 400\nretry: 10x\nretry: -1\nretry: 1.5\ndata: 1\n\n'] },
          { chunks: ['retry: 0050\n'], ending: 'clean' },
          held('data: 2\n\n'),
        ])
        await messages(source, 2)
        const [first, second, third] = (await stream.seen()).map(({ at }) => at)
        t.ok(second - first >= 395 && second - first < 1200, `400 ms were ${second - first}`)
        t.ok(third - second >= 45 && third - second < 1000, `50 ms were ${third - second}, in a block that never ended`)
      },
    },
    {
      name: 'a reconnection time beyond what a timer holds does not reconnect at once',
      async run(t) {
        const { source, stream } = await open(t, [{ chunks: ['retry: 99999999999\ndata: 1\n\n'] }])
        await next(source, 'error')
        await t.sleep(150)
        t.equal((await stream.seen()).length, 1)
      },
    },
    {
      name: 'Last-Event-ID is the last id, as UTF-8',
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: ['retry: 10\nid: 1\ndata: 1\n\nid: …\ndata: 2\n\n'] },
          held('data: 3\n\n'),
        ])
        t.equal(await messages(source, 3, 'lastEventId'), ['1', '…', '…'])
        // Node gives header bytes as Latin-1 characters.
        t.equal(await ids(stream), [undefined, '\u00e2\u0080\u00a6'])
      },
    },
    ...[
      ['a b', ' a b  '],
      ['a', '\ta\t'],
      ['', '  '],
    ].map(([sent, id]) => ({
      name: `an id with white space at its ends is sent without: ${JSON.stringify(id)}`,
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: [`retry: 10\nid: ${id}\ndata: 1\n\n`] },
          held('data: 2\n\n'),
        ])
        t.equal(await messages(source, 2, 'lastEventId'), [id, id])
        t.equal(await ids(stream), [undefined, sent])
      },
    })),
    {
      name: 'the id lives on over answers that name none, until one names an empty one',
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: ['retry: 10\nid: 1\ndata: 1\n\n'] },
          { chunks: ['data: 2\n\n'] },
          { chunks: ['id\ndata: 3\n\n'] },
          held('data: 4\n\n'),
        ])
        t.equal(await messages(source, 4, 'lastEventId'), ['1', '1', '', ''])
        t.equal(await ids(stream), [undefined, '1', '1', undefined])
      },
    },
    {
      name: 'an id counts at its blank line, also without data, and not before',
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: ['retry: 10\nid: 7\n\n', 'data: 1\nid: 8\n'] },
          held('data: 2\n\n'),
        ])
        t.equal(await messages(source, 1, 'lastEventId'), ['7'])
        t.equal(await ids(stream), [undefined, '7'])
      },
    },
    {
      name: 'an id with NUL is ignored',
      async run(t) {
        const { source, stream } = await open(t, [
          { chunks: ['retry: 10\nid: 1\ndata: 1\n\nid: 2\0x\ndata: 2\n\n'] },
          held('data: 3\n\n'),
        ])
        t.equal(await messages(source, 3, 'lastEventId'), ['1', '1', '1'])
        t.equal(await ids(stream), [undefined, '1'])
      },
    },
    ...[301, 302, 303, 307, 308].map((status) => ({
      name: `a redirect with ${status} is followed: the event's origin is the last one, url stays the first`,
      async run(t) {
        // It ends by itself, because Firefox cannot abort what was redirected in a worker.
        const target = await t.stream([{ chunks: ['data: 1\n\n'] }], { origin: t.elsewhere })
        const { source, stream } = await open(t, [{ status, headers: { location: target.url } }])
        const { origin, data } = await next(source, 'message')
        t.equal([origin, data, source.url], [t.elsewhere, '1', stream.url])
      },
    })),
    // §9.2.6 Interpreting an event stream
    {
      name: 'a message event has data, origin, lastEventId and no source, and neither bubbles nor can be cancelled',
      async run(t) {
        const { source } = await open(t, [held('id: 1\ndata: a\ndata: b\n\n')])
        const event = await next(source, 'message')
        t.ok(event instanceof MessageEvent, 'it is a MessageEvent')
        const { type, data, origin, lastEventId, ports, bubbles, cancelable } = event
        t.equal(
          { type, data, origin, lastEventId, ports, bubbles, cancelable },
          {
            type: 'message',
            data: 'a\nb',
            origin: t.base,
            lastEventId: '1',
            ports: [],
            bubbles: false,
            cancelable: false,
          },
        )
        t.equal(event.source ?? null, null)
      },
    },
    {
      name: 'every event is trusted, where the runtime lets a class say so',
      async run(t) {
        const { source } = await open(t, [{ chunks: ['retry: 10\ndata: 1\n\n'] }])
        const trusted = []
        for (const type of ['open', 'message', 'error'])
          source.addEventListener(type, ({ isTrusted }) => trusted.push(isTrusted))
        await next(source, 'error')
        const isKept = Object.hasOwn(new Event('a'), 'isTrusted') && EventSource !== globalThis.EventSource
        t.equal(trusted, Array(3).fill(!isKept))
      },
    },
    {
      name: 'an event with a name goes to the listeners of that name only, be it open or error',
      async run(t) {
        const { source } = await open(t, [
          held('event: tick\ndata: 1\n\nevent: open\ndata: 2\n\nevent: error\ndata: 3\n\nevent:\ndata: 4\n\n'),
        ])
        const heard = []
        for (const type of ['tick', 'open', 'error', 'message'])
          source.addEventListener(type, (event) => event instanceof MessageEvent && heard.push(`${type} ${event.data}`))
        await messages(source, 1)
        t.equal([heard, source.readyState], [['tick 1', 'open 2', 'error 3', 'message 4'], OPEN])
      },
    },
    {
      name: 'each event comes in a task of its own: what the promises of a listener lead to is done before the next',
      async run(t) {
        const { source } = await open(t, [held('data: 1\n\ndata: 2\n\n')])
        const order = []
        source.onmessage = async ({ data }) => {
          order.push(data)
          for (let turn = 0; turn < 20; turn++) await null
          order.push(`after ${data}`)
        }
        await messages(source, 2)
        await t.sleep(10)
        t.equal(order, ['1', 'after 1', '2', 'after 2'])
      },
    },
    {
      name: 'a stream cut in the middle of characters, line ends and fields gives whole events',
      async run(t) {
        const bytes = [...new TextEncoder().encode('\uFEFFdata: é😀\r\ndata\r\n\r\n: note\rdata: 2\r\r')]
        const { source } = await open(t, [held(...bytes.map((byte) => [byte]))])
        t.equal(await messages(source, 2), ['é😀\n', '2'])
      },
    },
    {
      name: 'the data before the final empty line is not dispatched',
      async run(t) {
        const { source } = await open(t, [{ chunks: ['retry: 10\ndata: 1\n\ndata: lost'] }, held('data: 2\n\n')])
        t.equal(await messages(source, 2), ['1', '2'])
      },
    },
    // What only a page or its workers have: an address, cookies, and CORS. Elsewhere there is nothing to look at.
    ...(globalThis.location ? inPages() : []),
  ].map((test) => ({ capability: 'EventSource', ...test }))
}
