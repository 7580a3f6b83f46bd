import { connect, createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import type { RedisClient } from '../../src/redis/client.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { listen } from '../helpers/listen.ts'
import { startRedis } from './server.ts'
import { during } from './world.ts'

// A client may send again what had no answer when its connection broke, though Redis has done it.

const redis = during(startRedis)

/** Passes everything on, but for the answer to the next append: in its place the connection breaks. */
async function lossy() {
  let isArmed = false
  const server = createServer((socket: Socket) => {
    const upstream = connect(redis().port, '127.0.0.1')
    let isCut = false
    socket.on('data', (bytes) => {
      if (isArmed && bytes.includes('data: ')) {
        isArmed = false
        isCut = true
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (isCut) socket.destroy()
      else socket.write(bytes)
    })
    for (const one of [socket, upstream]) one.on('error', () => {})
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
  })
  const port = await listen(server)
  const arm = () => {
    isArmed = true
  }
  return { port, arm, close: () => server.close() }
}

test.each(['ioredis', 'node-redis'])('what %s sends again is there once', async (kind) => {
  const between = await lossy()
  const client =
    kind === 'ioredis'
      ? new Redis(between.port, '127.0.0.1')
      : await createClient({ url: `redis://127.0.0.1:${between.port}` })
          .on('error', () => {})
          .connect()
  const logs = redisLogs(client as RedisClient, { onError() {} })
  const log = logs.open(kind)
  const append = (data: string) => log.append({ frame: `data: ${data}\n\n`, type: 'message' })
  await append('a')
  between.arm()
  const outcome = await append('b').then(
    ({ offset }) => offset,
    ({ code }) => code,
  )
  // Who does not send again says that it may have been done.
  expect(outcome).toBe(kind === 'ioredis' ? 2 : 'log-unknown')
  const all = await Promise.all(['c', 'd', 'e'].map(append))
  expect(all.map(({ offset }) => offset)).toEqual([3, 4, 5])
  const { epoch } = await log.bounds()
  const page = await log.read({ epoch, offset: 0 }, 10)
  expect(page?.entries.map(({ message }) => message.frame.slice(6, -2))).toEqual(['a', 'b', 'c', 'd', 'e'])
  // Answers that are known to have come are not kept.
  const plain = new Redis(redis().port, '127.0.0.1')
  const [sent] = await plain.keys(`*:${kind}:sent:*`)
  await append('f')
  expect(await plain.hlen(String(sent))).toBeLessThanOrEqual(kind === 'ioredis' ? 3 : 6)
  expect(await plain.pttl(String(sent))).toBeGreaterThan(0)
  plain.disconnect()
  logs.close()
  if (client instanceof Redis) client.disconnect()
  else client.destroy()
  between.close()
})
