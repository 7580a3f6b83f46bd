import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'

// A piece of a string keeps all of it: what outlives a chunk has to be copied out of it.

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const used = () => {
  for (let times = 0; times < 3; times++) collect()
  return process.memoryUsage().heapUsed
}

const CHUNK = 64 * 1024

/** Streams one long event a chunk, after one with the id. */
function stream(idOf: (at: number) => string, count: number, headers: HeadersInit = {}) {
  let at = 0
  return async () =>
    new Response(
      new ReadableStream(
        {
          pull(controller) {
            if (at === count) return new Promise<void>(() => {})
            const text = `id: ${idOf(at++)}\ndata: ${'x'.repeat(CHUNK)}\n\n`
            controller.enqueue(new TextEncoder().encode(text))
            return undefined
          },
        },
        { highWaterMark: 0 },
      ),
      { headers: { 'content-type': 'text/event-stream', ...headers } },
    )
}

async function growth(fetch: () => Promise<Response>, count: number) {
  const before = used()
  const connection = connect('http://a', { fetch })
  let heard = 0
  await new Promise<void>((resolve) => {
    connection.on(() => {
      if (++heard === count) resolve()
    })
  })
  await new Promise((resolve) => setTimeout(resolve, 10))
  const grown = used() - before
  connection.close()
  return grown
}

test('ids that are remembered do not keep the chunks that they came in', async () => {
  const id = (at: number) => `a-long-id-of-the-server-${at}`
  expect(await growth(stream(id, 500, { unmissed: 'ids=unique' }), 500)).toBeLessThan(8 * 2 ** 20)
})

test('ids that cannot be sent are not remembered', async () => {
  const id = (at: number) => `${at}`.padEnd(16 * 1024, 'x')
  expect(await growth(stream(id, 800, { unmissed: 'ids=unique' }), 800)).toBeLessThan(8 * 2 ** 20)
})

test('the last id of many quiet connections keeps no chunk', async () => {
  const before = used()
  const connections = await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      const connection = connect('http://a', { fetch: stream(() => `a-long-id-of-the-server-${at}`, 1) })
      await connection.next()
      return connection
    }),
  )
  await new Promise((resolve) => setTimeout(resolve, 10))
  const each = (used() - before) / connections.length
  expect(each).toBeLessThan(CHUNK / 2)
  for (const connection of connections) connection.close()
})
