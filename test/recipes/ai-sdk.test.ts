import { setTimeout as sleep } from 'node:timers/promises'
import {
  createUIMessageStream,
  createUIMessageStreamResponse,
  DefaultChatTransport,
  type UIMessage,
  type UIMessageChunk,
} from 'ai'
import { afterEach, expect, test, vi } from 'vitest'
import { serveWeb } from '../helpers/web.ts'

// The recipe for Vercel's AI SDK, with its own transport at one end and its own stream of messages at the other.

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  vi.unstubAllGlobals()
})

const WORDS = Array.from({ length: 40 }, (_, n) => `word${n} `)
let asked = 0
let isAborted = false

/** What a model would answer, slowly, as the SDK's own Response. */
function answer(_messages: unknown, signal: AbortSignal): Response {
  asked++
  signal.addEventListener('abort', () => {
    isAborted = true
  })
  const stream = createUIMessageStream({
    async execute({ writer }) {
      writer.write({ type: 'start', messageId: 'm1' })
      writer.write({ type: 'text-start', id: 't' })
      for (const delta of WORDS) {
        if (signal.aborted) return
        writer.write({ type: 'text-delta', id: 't', delta })
        await sleep(5)
      }
      writer.write({ type: 'text-end', id: 't' })
      writer.write({ type: 'finish' })
    },
  })
  return createUIMessageStreamResponse({ stream })
}

async function serve() {
  vi.stubGlobal('answer', answer)
  const { POST, GET, DELETE } = await import('./ai-sdk.ts')
  const { url: origin, close } = await serveWeb((request, path) => {
    const id = decodeURIComponent(path.split('/')[3] ?? '')
    return request.method === 'POST'
      ? POST(request)
      : request.method === 'DELETE'
        ? DELETE(request, id)
        : GET(request, id)
  })
  const url = `${origin}/api/chat`
  undo.push(close)
  return { url, transport: new DefaultChatTransport<UIMessage>({ api: url }) }
}

const message: UIMessage = { id: 'q', role: 'user', parts: [{ type: 'text', text: 'Hello' }] }

async function textOf(stream: globalThis.ReadableStream<UIMessageChunk> | null, most = Number.POSITIVE_INFINITY) {
  const chunks: UIMessageChunk[] = []
  const reader = (stream as globalThis.ReadableStream<UIMessageChunk>).getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value)
    if (chunks.length >= most) break
  }
  const text = chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('')
  return { chunks, text, leave: () => reader.cancel().catch(() => {}) }
}

const ask = (transport: DefaultChatTransport<UIMessage>, chatId: string, abortSignal?: AbortSignal) =>
  transport.sendMessages({ trigger: 'submit-message', chatId, messageId: undefined, messages: [message], abortSignal })

test('a page that was reloaded, and a second tab, are given the whole answer; the model was asked once', async () => {
  const { transport } = await serve()
  asked = 0
  const abort = new AbortController()
  const first = await textOf(await ask(transport, 'one', abort.signal), 10)
  expect(first.text.length).toBeGreaterThan(0)
  abort.abort()
  const [again, tab] = await Promise.all(
    [1, 2].map(async () => textOf(await transport.reconnectToStream({ chatId: 'one' }))),
  )
  for (const read of [again, tab]) {
    expect(read?.text).toBe(WORDS.join(''))
    expect(read?.chunks.map(({ type }) => type)).toEqual([
      'start',
      'text-start',
      ...WORDS.map(() => 'text-delta'),
      'text-end',
      'finish',
    ])
  }
  expect(asked).toBe(1)
  // What is over is in the chat's own messages by then.
  expect(await transport.reconnectToStream({ chatId: 'one' })).toBeNull()
  expect(await transport.reconnectToStream({ chatId: 'never' })).toBeNull()
})

test('the next question of a chat is another answer', async () => {
  const { transport } = await serve()
  asked = 0
  for (let times = 0; times < 2; times++) expect((await textOf(await ask(transport, 'two'))).text).toBe(WORDS.join(''))
  expect(asked).toBe(2)
})

test('stop works after a reload: the model is told, and every tab’s stream ends', async () => {
  const { url, transport } = await serve()
  isAborted = false
  const abort = new AbortController()
  await textOf(await ask(transport, 'three', abort.signal), 5)
  abort.abort()
  const tab = textOf(await transport.reconnectToStream({ chatId: 'three' }))
  await sleep(50)
  expect((await fetch(`${url}/three`, { method: 'DELETE' })).status).toBe(204)
  const { text } = await tab
  expect(text.length).toBeLessThan(WORDS.join('').length)
  expect([isAborted, await transport.reconnectToStream({ chatId: 'three' })]).toEqual([true, null])
})
