import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { serveHub, until } from '../serve.ts'

// What an event costs is measured by `npm run bench:server`. These are the reasons, which can be counted.

const READERS = 20

async function crowd() {
  const { hub, join } = await serveHub({ heartbeat: 0 })
  const readers = []
  for (let n = 0; n < READERS; n++) readers.push(await join())
  await until(() => hub.stats().states.live === READERS)
  // What each is told first has left.
  await new Promise((resolve) => setTimeout(resolve, 30))
  return { hub, readers }
}

test('an event is encoded once, however many read it', async () => {
  const { hub, readers } = await crowd()
  const encode = vi.spyOn(Buffer, 'from')
  await hub.publish({ type: 'tick', data: { price: 3 } })
  await Promise.all(readers.map((reader) => reader.until(1)))
  const texts = encode.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('tick'))
  expect(texts).toEqual([expect.stringMatching(/^[0-9a-f]+\r\nid: \S+\nevent: tick\ndata: \{"price":3\}\n\n\r\n$/)])
  encode.mockRestore()
})

test('what is published in one turn is encoded together', async () => {
  const { hub, readers } = await crowd()
  const encode = vi.spyOn(Buffer, 'from')
  for (let n = 0; n < 10; n++) void hub.publish({ type: 'tick', data: n })
  await Promise.all(readers.map((reader) => reader.until(10)))
  expect(encode.mock.calls.filter(([text]) => String(text).includes('tick'))).toHaveLength(1)
  encode.mockRestore()
})

test('ten events of one turn are one write for each reader, of the same bytes for all', async () => {
  const { hub, readers } = await crowd()
  const write = vi.spyOn(Socket.prototype, 'write')
  for (let n = 0; n < 10; n++) void hub.publish({ data: n })
  await Promise.all(readers.map((reader) => reader.until(10)))
  const chunks = write.mock.calls.map(([chunk]) => chunk)
  expect(chunks).toHaveLength(READERS)
  expect(new Set(chunks).size).toBe(1)
})

test('an event goes past the framing of each response, where nothing stands between', async () => {
  const { hub, readers } = await crowd()
  const write = vi.spyOn(ServerResponse.prototype as ServerResponse<IncomingMessage>, 'write')
  await hub.publish({ data: 'x' })
  await Promise.all(readers.map((reader) => reader.until(1)))
  expect(write).not.toHaveBeenCalled()
})
