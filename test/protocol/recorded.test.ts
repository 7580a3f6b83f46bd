import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventDecoderStream, events } from '../../src/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { all } from '../helpers/stream.ts'
import { recorded } from './fixtures.ts'

// The services again, over the wire: in pieces of a few bytes, as a slow network brings them.

const cases = recorded()
const server = createServer(async (request, response) => {
  const [, number, size] = (request.url as string).split('/').map(Number) as [number, number, number]
  const { bytes } = cases[number] as (typeof cases)[number]
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  for (let at = 0; at < bytes.length; at += size) {
    response.write(bytes.subarray(at, at + size))
    await new Promise((done) => setImmediate(done))
  }
  response.end()
})
let url: string

beforeAll(async () => {
  url = `http://127.0.0.1:${await listen(server)}`
})
afterAll(() => shut(server))

describe.each(cases.map(({ name }, number) => ({ name, number })))('$name', ({ number }) => {
  const { events: expected, until } = cases[number] as (typeof cases)[number]

  test('a loop sees every event, and stops where the service says that it is over', async () => {
    const response = await fetch(`${url}/${number}/61`)
    const beforeSentinel = expected.filter(({ data }) => data !== until)
    expect(await all(events(response, { until }))).toEqual(beforeSentinel)
    expect(beforeSentinel.length).toBe(until === undefined ? expected.length : expected.length - 1)
  })

  test('a stream has every event', async () => {
    const { body } = await fetch(`${url}/${number}/1000`)
    expect(await all((body as ReadableStream<Uint8Array>).pipeThrough(new EventDecoderStream()))).toEqual(expected)
  })
})
