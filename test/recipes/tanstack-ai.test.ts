import { setTimeout as sleep } from 'node:timers/promises'
import {
  memoryStream,
  resumeServerSentEventsResponse,
  type StreamChunk,
  type StreamDurability,
  toServerSentEventsResponse,
} from '@tanstack/ai'
import { afterEach, describe, expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { serveWeb } from '../helpers/web.ts'
import { logStream } from './tanstack-ai.ts'

// The recipe for TanStack AI: its own responses keep a run in a log of ours. Each rule is asked of its own keeper, too.

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const COUNT = 40
let runs = 0

const chunkOf = (n: number) =>
  ({ type: 'TEXT_MESSAGE_CONTENT', messageId: 'm1', delta: `word${n} \n\r\u2028`, timestamp: 1 }) as StreamChunk
const LAST = { type: 'RUN_FINISHED', runId: 'r', threadId: 't', timestamp: 1 } as StreamChunk
const WORDS = Array.from({ length: COUNT }, (_, n) => `word${n} \n\r\u2028`)

async function* model(wait: number) {
  for (let n = 0; n < COUNT; n++) {
    yield chunkOf(n)
    await sleep(wait)
  }
  yield LAST
}

async function serve(keep: (request: Request) => StreamDurability) {
  const asked = { count: 0 }
  const { url, close } = await serveWeb((request) => {
    const adapter = keep(request)
    if (request.method !== 'POST') return resumeServerSentEventsResponse({ adapter })
    asked.count++
    return toServerSentEventsResponse(model(5), { durability: { adapter, batch: 1 } })
  })
  undo.push(close)
  const run = `run ${++runs}/ü`
  return { url: `${url}/?runId=${encodeURIComponent(run)}`, run, asked }
}

interface Chunk {
  type: string
  delta?: string
}

/** Reads until so many words have come, or to the end of the run. */
async function read(
  url: string,
  { most = COUNT + 1, ...options }: { most?: number; lastEventId?: string } & RequestInit,
) {
  const words: string[] = []
  let last = ''
  const connection = connect<{ message: Chunk }>(url, {
    ...(options as object),
    parse: 'json',
    retry: false,
    until: ({ data }) => data.includes('RUN_FINISHED'),
  })
  for await (const { data, id } of connection) {
    if (data.delta) words.push(data.delta)
    last = id
    if (words.length === most) break
  }
  return { words, last }
}

describe.each([
  ['its own memory', memoryStream],
  ['a log', logStream],
])('a run that TanStack AI keeps in %s', (_, keep) => {
  test('goes on without its reader, and is read from the beginning by whoever comes', async () => {
    const { url, asked } = await serve(keep)
    const first = await read(url, { method: 'POST', most: 5 })
    expect(first.words.length).toBeLessThan(COUNT)
    const joined = await Promise.all([read(`${url}&offset=-1`, {}), read(`${url}&offset=-1`, {})])
    expect(joined.map(({ words }) => words)).toEqual([WORDS, WORDS])
    // Long over, it is still kept.
    expect((await read(`${url}&offset=-1`, {})).words).toEqual(WORDS)
    expect(asked.count).toBe(1)
  })

  test('is resumed after the last id, which names the run, with nothing lost and nothing twice', async () => {
    const { url } = await serve(keep)
    const first = await read(url, { method: 'POST', most: 7 })
    const rest = await read(url.split('?', 1)[0] as string, { lastEventId: first.last })
    expect([...first.words, ...rest.words]).toEqual(WORDS)
  })

  test('tells all that it has, at once, while it goes on', async () => {
    const asked = new Request(`http://a/?runId=${encodeURIComponent(`run ${++runs}`)}`)
    expect(await keep(asked).snapshot()).toEqual([])
    const producer = keep(asked)
    const offsets = await producer.append([chunkOf(0), chunkOf(1)])
    expect(await keep(asked).snapshot()).toEqual(offsets.map((offset, n) => ({ offset, chunk: chunkOf(n) })))
    await producer.close()
    expect(await keep(asked).snapshot()).toHaveLength(2)
  })

  test('lets go of a reader that leaves', async () => {
    const asked = new Request(`http://a/?runId=${encodeURIComponent(`run ${++runs}`)}&offset=-1`)
    const producer = keep(new Request(asked.url.split('&')[0] as string))
    await producer.append([chunkOf(0)])
    const leaving = new AbortController()
    const chunks: StreamChunk[] = []
    setTimeout(() => leaving.abort(), 30)
    for await (const { chunk } of keep(asked).read('-1', leaving.signal)) chunks.push(chunk)
    expect(chunks).toEqual([chunkOf(0)])
    await producer.close()
  })
})

test('an id of a run that is not kept is an error, not a part of it', async () => {
  const producer = logStream(new Request('http://a/?runId=x'))
  const [offset = ''] = await producer.append([chunkOf(0)])
  const other = offset.replace('x ', 'y ')
  const reading = logStream(new Request('http://a/', { headers: { 'last-event-id': other } })).read(other)
  await expect(reading[Symbol.asyncIterator]().next()).rejects.toThrow(/not kept/)
  await producer.close()
})
