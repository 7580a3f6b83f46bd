import { createServer, type IncomingMessage, type Server } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, expect, test } from 'vitest'
import { accept, type Connection, createRuns, type Production } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'

// The official clients ask for their streams with `Accept: application/json`.

let server: Server | undefined
afterEach(() => server && shut(server))

/** A server of one stream; tells what it was asked for. */
async function serve(answer: (connection: Connection) => Promise<unknown>) {
  const requests: IncomingMessage[] = []
  server = createServer((request, response) => {
    requests.push(request)
    void answer(accept(request, response))
  })
  return { url: `http://127.0.0.1:${await listen(server)}`, requests }
}

const WORDS = ['Why', ' not', ' WebSockets', '?']

test('the client of OpenAI reads an answer in tokens', async () => {
  const { url, requests } = await serve(async (connection) => {
    for (const content of WORDS)
      await connection.send({ data: { id: 'a', choices: [{ index: 0, delta: { content } }] } })
    await connection.send('[DONE]')
    connection.close()
  })
  const client = new OpenAI({ apiKey: 'key', baseURL: url, maxRetries: 0 })
  const stream = await client.chat.completions.create({
    model: 'any',
    stream: true,
    messages: [{ role: 'user', content: 'Hello' }],
  })
  const got: string[] = []
  for await (const { choices } of stream) got.push(choices[0]?.delta.content ?? '')
  expect(got).toEqual(WORDS)
  expect(requests.map(({ method, headers }) => [method, headers.accept])).toEqual([['POST', 'application/json']])
})

test('the client of Anthropic reads an answer in tokens', async () => {
  const { url, requests } = await serve(async (connection) => {
    const send = (event: { type: string }) => connection.send({ type: event.type, data: event })
    const message = { id: 'a', type: 'message', role: 'assistant', content: [], model: 'any', usage: {} }
    await send({ type: 'message_start', message } as never)
    await send({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never)
    for (const text of WORDS)
      await send({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } } as never)
    await send({ type: 'content_block_stop', index: 0 } as never)
    await send({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} } as never)
    await send({ type: 'message_stop' })
    connection.close()
  })
  const client = new Anthropic({ apiKey: 'key', baseURL: url, maxRetries: 0 })
  const stream = client.messages.stream({
    model: 'any',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'Hello' }],
  })
  const got: string[] = []
  stream.on('text', (text) => got.push(text))
  await stream.finalMessage()
  expect(got).toEqual(WORDS)
  expect(requests.map(({ method, headers }) => [method, headers.accept])).toEqual([['POST', 'application/json']])
})

test('the clients of both read a run, and join one that is over', async () => {
  const runs = createRuns({ authorize: 'anyone' })
  const send = (production: Production, type: string | undefined, data: object) => production.send({ type, data })
  const openai = async (production: Production) => {
    for (const content of WORDS)
      await send(production, undefined, { id: 'a', choices: [{ index: 0, delta: { content } }] })
    await production.send('[DONE]')
  }
  const anthropic = async (production: Production) => {
    const message = { id: 'a', type: 'message', role: 'assistant', content: [], model: 'any', usage: {} }
    const all = [
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      ...WORDS.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} },
      { type: 'message_stop' },
    ]
    for (const event of all) await send(production, event.type, event)
  }
  server = createServer(async (request, response) => {
    const isOpenAI = request.url === '/chat/completions'
    const { id } = await runs.start(isOpenAI ? 'o' : 'a', isOpenAI ? openai : anthropic)
    await runs.handle(request, response, id)
  })
  const url = `http://127.0.0.1:${await listen(server)}`
  for (let times = 0; times < 2; times++) {
    const got: string[] = []
    const stream = await new OpenAI({ apiKey: 'key', baseURL: url, maxRetries: 0 }).chat.completions.create({
      model: 'any',
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    for await (const { choices } of stream) got.push(choices[0]?.delta.content ?? '')
    const other: string[] = []
    const message = new Anthropic({ apiKey: 'key', baseURL: url, maxRetries: 0 }).messages.stream({
      model: 'any',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    message.on('text', (text) => other.push(text))
    await message.finalMessage()
    expect([got, other]).toEqual([WORDS, WORDS])
  }
  await runs.close({ within: 0 })
})
