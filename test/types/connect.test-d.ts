import * as v from 'valibot'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  ConnectError,
  type ConnectErrorCode,
  type Connection,
  type ConnectOptions,
  connect,
  type EventOf,
  type ServerSentEvent,
  type Snapshot,
  storage,
} from '../../src/index.ts'

// What must compile, and after each `@ts-expect-error` what must not. Compiled by `npm run types`, never run.

interface Tick {
  price: number
}
interface Events {
  tick: Tick
  note: string
}
const url = 'https://sse.test/'

// Without a map every event may come, and its data is text.
const plain = connect(url)
expectTypeOf(plain).toEqualTypeOf<Connection<Record<string, string>>>()
plain.on('anything', ({ type, data, id }) => {
  expectTypeOf(type).toEqualTypeOf<'anything'>()
  expectTypeOf(data).toEqualTypeOf<string>()
  expectTypeOf(id).toEqualTypeOf<string>()
})

// A map of texts needs nothing else.
const notes = connect<{ note: string; mode: 'on' | 'off' }>(url)
notes.on('mode', ({ data }) => expectTypeOf(data).toEqualTypeOf<'on' | 'off'>())
// @ts-expect-error: the map knows no such event
notes.on('nite', () => {})

// Data that is no text has to be read by somebody: the map alone would be a lie.
// @ts-expect-error: `parse` is missing
connect<Events>(url)
// @ts-expect-error: `parse` is missing
connect<Events>(url, { headers: {} })

const typed = connect<Events>(url, { parse: 'json' })
typed.on('tick', (event) => expectTypeOf(event).toEqualTypeOf<ServerSentEvent<'tick', Tick>>())
expectTypeOf(typed.next('note')).resolves.toEqualTypeOf<ServerSentEvent<'note', string>>()
expectTypeOf(typed.next()).resolves.toEqualTypeOf<EventOf<Events>>()
typed.on((event) => {
  expectTypeOf(event).toEqualTypeOf<ServerSentEvent<'tick', Tick> | ServerSentEvent<'note', string>>()
  if (event.type === 'tick') expectTypeOf(event.data).toEqualTypeOf<Tick>()
  else expectTypeOf(event.data).toEqualTypeOf<string>()
})
typed.on('tick', async () => {})
expectTypeOf(typed.on('tick', () => {})).toEqualTypeOf<() => void>()
// @ts-expect-error: no such event
typed.on('tock', () => {})
// @ts-expect-error: the data of a tick is no text
typed.on('tick', ({ data }: ServerSentEvent<'tick', string>) => data)
// @ts-expect-error: events are read only
typed.on('tick', (event) => (event.data = { price: 1 }))

async function iterate() {
  for await (const event of typed) expectTypeOf(event).toEqualTypeOf<EventOf<Events>>()
  for await (const { data } of typed.iterate('tick')) expectTypeOf(data).toEqualTypeOf<Tick>()
  for await (const event of typed.iterate('tick', 'note')) expectTypeOf(event).toEqualTypeOf<EventOf<Events>>()
  // @ts-expect-error: no such event
  typed.iterate('tock')
  await using closing = connect(url)
  expectTypeOf(await closing.closed).toEqualTypeOf<'closed' | 'aborted' | 'ended' | 'stopped' | 'failed'>()
}
void iterate

// A function of the text, too; without a map nobody knows what comes of it.
connect<Events>(url, { parse: (data, type) => (type === 'note' ? data : JSON.parse(data)) })
connect(url, { parse: 'json' }).on('tick', ({ data }) => expectTypeOf(data).toBeUnknown())
// @ts-expect-error: there is no such format
connect(url, { parse: 'yaml' })

// Schemas say what comes, and what does not.
const zodSchemas = { tick: z.object({ price: z.number(), at: z.string().transform(Number) }), note: z.string() }
const valibotSchemas = { tick: v.object({ price: v.number(), at: v.pipe(v.string(), v.transform(Number)) }) }
for (const connection of [
  connect(url, { schemas: zodSchemas }),
  connect(url, { schemas: zodSchemas, parse: 'json' }),
]) {
  connection.on('tick', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ price: number; at: number }>())
  connection.on('note', ({ data }) => expectTypeOf(data).toEqualTypeOf<string>())
  // @ts-expect-error: no schema, no event
  connection.on('tock', () => {})
}
connect(url, { schemas: valibotSchemas }).on('tick', ({ data }) => {
  expectTypeOf(data).toEqualTypeOf<{ price: number; at: number }>()
})
// @ts-expect-error: that is no schema
connect(url, { schemas: { tick: (data: unknown) => data } })

// What may change between attempts may be a function of the attempt, and asynchronous.
connect(new URL(url))
connect(({ lastEventId, attempt }) => `${url}?after=${lastEventId}&attempt=${attempt}`)
connect(async () => new URL(url))
connect(url, { headers: { authorization: 'x' } })
connect(url, { headers: [['authorization', 'x']] })
connect(url, { headers: new Headers() })
connect(url, { headers: async ({ attempt }) => ({ attempt: `${attempt}` }) })
connect(url, { headers: () => undefined, body: () => undefined, method: () => undefined })
connect(url, { method: 'POST', body: JSON.stringify({}), until: '[DONE]', credentials: 'include', mode: 'cors' })
connect(url, { until: ({ type }) => type === 'message_stop' })
// @ts-expect-error: a number is no header
connect(url, { headers: { retries: 3 } })
// @ts-expect-error: an object is no body, and nobody guesses how to write it
connect(url, { body: { stream: true } })
// @ts-expect-error: a misspelt option
connect(url, { idleTimout: 1000 })
// @ts-expect-error: a misspelt option beside others
connect<Events>(url, { parse: 'json', onEror() {} })

// Options may be undefined, as those that are handed through are.
const maybe = Math.random() > 2 ? 'x' : undefined
connect(url, { lastEventId: maybe, body: maybe, signal: undefined, retry: undefined, resume: { load: undefined } })

connect(url, { retry: false })
connect(url, { retry: { base: 100, max: 1000, factor: 1.5, limit: 5, statuses: [503], stable: 0, random: () => 0 } })
connect(url, {
  retry({ error, status, headers, attempt, elapsed, delay }) {
    expectTypeOf(error).toEqualTypeOf<ConnectError>()
    expectTypeOf(status).toEqualTypeOf<number | undefined>()
    expectTypeOf(headers).toEqualTypeOf<Headers | undefined>()
    return attempt < 5 && elapsed < 60_000 && delay * 2
  },
})
// @ts-expect-error: a decision is yes, no or milliseconds
connect(url, { retry: () => 'later' })
// @ts-expect-error: the decision cannot be awaited
connect(url, { retry: async () => true })

// Numbers and a function go together.
connect(url, { retry: { limit: 5, jitter: false, longest: 60_000, when: ({ status }) => status !== 409 && 100 } })
// @ts-expect-error: a decision is yes, no or milliseconds there, too
connect(url, { retry: { when: () => 'later' } })
connect(url, { deadline: 60_000, stallTimeout: 0 })

// What only the fetch of a runtime knows has a place of its own, so that a misspelt option stays one.
connect(url, { fetchOptions: { dispatcher: {}, cf: { cacheTtl: 0 }, next: { revalidate: 0 } } })
// @ts-expect-error: a misspelt option, also beside those
connect(url, { fetchOptions: {}, idleTimout: 1 })

// Options that are handed through.
const handed: ConnectOptions = { parse: 'json' }
expectTypeOf(connect(url, handed)).toEqualTypeOf<Connection<Record<string, unknown>>>()
const isJson = Math.random() > 2
connect(url, { parse: isJson ? 'json' : undefined }).on('tick', ({ data }) => expectTypeOf(data).toBeUnknown())

// Without a map a function says what all data is.
connect(url, { parse: (text) => Number(text) }).on('tick', ({ data }) => expectTypeOf(data).toEqualTypeOf<number>())

// A connection of more events is one of fewer, and of no others.
const fewer: Connection<{ tick: Tick }> = typed
fewer.on((event) => expectTypeOf(event).toEqualTypeOf<ServerSentEvent<'tick', Tick>>())
// @ts-expect-error: the data of a tick is no text
const other: Connection<{ tick: string }> = typed
// @ts-expect-error: there are no such events
const more: Connection<Events & { other: string }> = typed
void [other, more]

// What hears may be stopped.
typed.on('tick', () => {}, { signal: new AbortController().signal })
typed.on(() => {}, { signal: undefined })
typed.next('tick', { signal: new AbortController().signal })
// @ts-expect-error: no such event
typed.next('tock')
// @ts-expect-error: not what an event is
typed.on((event: MessageEvent) => event)

connect(url, { resume: storage(localStorage, 'news') })
connect(url, { resume: storage({ getItem: async () => null, setItem: async () => {} }) })

connect(url, {
  onState: (snapshot) => expectTypeOf(snapshot).toEqualTypeOf<Snapshot>(),
  onOpen: ({ headers }) => expectTypeOf(headers).toEqualTypeOf<Headers>(),
  onGap: ({ asked }) => expectTypeOf(asked).toEqualTypeOf<string>(),
  onComment: (text) => expectTypeOf(text).toEqualTypeOf<string>(),
  onError(error) {
    expectTypeOf(error.code).toEqualTypeOf<ConnectErrorCode>()
    if (error.code === 'invalid-data') expectTypeOf(error.event).toEqualTypeOf<ServerSentEvent | undefined>()
    // @ts-expect-error: there is no such code
    if (error.code === 'timeout') return
  },
  async onUnauthorized({ status }) {
    expectTypeOf(status).toEqualTypeOf<number | undefined>()
  },
})
// @ts-expect-error: the snapshot is read only
plain.snapshot.state = 'open'
// @ts-expect-error: so is the id
plain.lastEventId = '1'

switch (plain.state) {
  case 'connecting':
  case 'open':
  case 'waiting':
  case 'paused':
  case 'closed':
    break
  default:
    plain.state satisfies never
}
expectTypeOf(plain.opened).toEqualTypeOf<Promise<void>>()
expectTypeOf(new ConnectError('network', 'x')).toExtend<Error>()
