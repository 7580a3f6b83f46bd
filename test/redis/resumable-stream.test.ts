import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createResumableStreamContext as original } from 'resumable-stream/ioredis'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createResumableStreamContext } from '../../src/compat/resumable-stream.ts'
import { redisLogs } from '../../src/redis/index.ts'
import { startRedis } from './server.ts'
import { during } from './world.ts'

// The same functions as the package `resumable-stream`, and the same meaning: each rule is asked of both, on the same Redis.

const redis = during(startRedis)
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})
let name = 0

const client = () => {
  const made = new Redis(redis().port, '127.0.0.1')
  made.on('error', () => {})
  undo.push(() => made.disconnect())
  return made
}
const ours = () => {
  const context = createResumableStreamContext({ waitUntil: null, logs: redisLogs(client()), onError: () => {} })
  undo.push(() => context.runs.close({ within: 0 }))
  return context
}
const theirs = () => original({ waitUntil: null, publisher: client(), subscriber: client() })

/** Chunks, one by one, with a pause between them. */
const stream =
  (chunks: readonly string[], pause = 20) =>
  () =>
    new ReadableStream<string>({
      async start(controller) {
        for (const chunk of chunks) {
          controller.enqueue(chunk)
          await sleep(pause)
        }
        controller.close()
      },
    })
async function textOf(read: ReadableStream<string> | null | undefined): Promise<string> {
  let text = ''
  for await (const chunk of read as ReadableStream<string>) text += chunk
  return text
}
const CHUNKS = ['data: 1\n\n', 'data: zwei\r\n\r\n', 'a\rb', '\u2028', ' und 3', '4']
const TEXT = CHUNKS.join('')

describe.each([
  ['ours', ours],
  ['the original', theirs],
] as const)('%s', (_, make) => {
  beforeAll(() => sleep(1))

  test('gives the stream to whoever begins it, and all of it again to who resumes', async () => {
    const id = `stream ${++name}`
    const [one, two] = [make(), make()]
    const first = textOf(await one.resumableStream(id, stream(CHUNKS)))
    await sleep(50)
    let calls = 0
    const second = textOf(
      await two.resumableStream(id, () => {
        calls++
        return stream(['another'])()
      }),
    )
    expect([await first, await second, calls]).toEqual([TEXT, TEXT, 0])
  })

  test('skips so many characters for who resumes', async () => {
    const id = `stream ${++name}`
    const [one, two] = [make(), make()]
    const first = textOf(await one.resumableStream(id, stream(CHUNKS)))
    await sleep(50)
    expect(await textOf(await two.resumeExistingStream(id, 12))).toBe(TEXT.slice(12))
    await first
  })

  test('says what there is', async () => {
    const id = `stream ${++name}`
    const [one, two] = [make(), make()]
    expect([await two.hasExistingStream(id), await two.resumeExistingStream(id)]).toEqual([null, undefined])
    const first = textOf(await one.createNewResumableStream(id, stream(CHUNKS)))
    await sleep(30)
    expect(await two.hasExistingStream(id)).toBe(true)
    await first
    await expect.poll(() => two.hasExistingStream(id)).toBe('DONE')
    expect([await two.resumeExistingStream(id), await two.resumableStream(id, stream(['x']))]).toEqual([null, null])
  })

  test('goes on without the reader who began it', async () => {
    const id = `stream ${++name}`
    const [one, two] = [make(), make()]
    const reader = ((await one.createNewResumableStream(id, stream(CHUNKS))) as ReadableStream<string>).getReader()
    await reader.read()
    await reader.cancel()
    expect(await textOf(await two.resumeExistingStream(id))).toBe(TEXT)
  })
})

describe('what is better here', () => {
  test('a stream is begun once, whoever asks at the same time', async () => {
    const id = `stream ${++name}`
    let calls = 0
    const contexts = Array.from({ length: 10 }, ours)
    const all = await Promise.all(
      contexts.map((context) =>
        context.resumableStream(id, () => {
          calls++
          return stream(CHUNKS)()
        }),
      ),
    )
    expect(await Promise.all(all.map(textOf))).toEqual(Array(10).fill(TEXT))
    expect(calls).toBe(1)
  })

  test('an id that is used again is another stream, which is read whole', async () => {
    const id = `stream ${++name}`
    const [one, two] = [ours(), ours()]
    await textOf(await one.createNewResumableStream(id, stream(CHUNKS)))
    await expect.poll(() => one.hasExistingStream(id)).toBe('DONE')
    const again = textOf(await one.createNewResumableStream(id, stream(['neu', ' und', ' anders'])))
    expect(await textOf(await two.resumeExistingStream(id))).toBe('neu und anders')
    expect(await again).toBe('neu und anders')
  })

  test('a source that fails ends the process of the original', () => {
    const program = `
import { Redis } from 'ioredis'
import { createResumableStreamContext } from 'resumable-stream/ioredis'
const client = () => new Redis(${redis().port}, '127.0.0.1')
const context = createResumableStreamContext({ waitUntil: null, publisher: client(), subscriber: client() })
const source = () => new ReadableStream({ start: (controller) => setTimeout(() => controller.error(new Error('boom')), 50) })
for await (const _ of await context.createNewResumableStream('failing', source));
`
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect([status, stderr]).toEqual([1, expect.stringContaining('boom')])
  })

  test('a source that fails is told to all who read it', async () => {
    const id = `stream ${++name}`
    const [one, two] = [ours(), ours()]
    const failing = () =>
      new ReadableStream<string>({
        async start(controller) {
          controller.enqueue('a')
          await sleep(100)
          controller.error(new Error('secret'))
        },
      })
    const reads = [await one.createNewResumableStream(id, failing), await two.resumeExistingStream(id)]
    for (const read of reads) await expect(textOf(read)).rejects.toMatchObject({ code: 'producer-failed' })
  })

  test('it can be stopped from anywhere', async () => {
    const id = `stream ${++name}`
    const [one, two] = [ours(), ours()]
    const read = textOf(await one.createNewResumableStream(id, stream(Array(1000).fill('x'))))
    await sleep(50)
    expect(await two.runs.stop(id)).toBe(true)
    expect((await read).length).toBeLessThan(1000)
  })

  test('waitUntil is given what settles when the stream is over', async () => {
    const waited: Promise<unknown>[] = []
    const context = createResumableStreamContext({ waitUntil: (promise) => void waited.push(promise) })
    undo.push(() => context.runs.close({ within: 0 }))
    await textOf(await context.resumableStream('a', stream(CHUNKS)))
    expect(await Promise.all(waited)).toEqual([{ state: 'finished' }])
  })
})
