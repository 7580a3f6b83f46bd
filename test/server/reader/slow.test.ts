import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { ServerSentEvent } from '../../../src/protocol/event.ts'
import { createParser } from '../../../src/protocol/parser.ts'
import type { HubOptions, PublishedEvent, SlowPolicy } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

const PIECE = 'x'.repeat(50_000)

/** A reader over a socket with small buffers, which takes nothing until it is told to. */
async function stalledReader(url: string) {
  const events: ServerSentEvent[] = []
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
  after(() => socket.destroy())
  socket.on('error', () => {})
  let body = Buffer.alloc(0)
  let parsed = 0
  const parser = createParser({ onEvent: (event) => events.push(event) })
  socket.on('data', (data) => {
    body = Buffer.concat([body, data])
  })
  socket.write('GET / HTTP/1.0\r\n\r\n')
  let ended = false
  socket.on('close', () => {
    ended = true
  })
  socket.pause()
  return {
    events,
    resume: () => void socket.resume(),
    get ended() {
      return ended
    },
    async until(condition: (events: ServerSentEvent[]) => boolean) {
      await until(() => {
        const start = body.indexOf('\r\n\r\n') + 4
        if (start > 3 && body.length > parsed + start) {
          parser.push(body.subarray(start + parsed))
          parsed = body.length - start
        }
        return condition(events)
      }, 10_000)
    },
  }
}

/** One stalled and one healthy reader; publishes until the stalled one is far behind the bound. */
async function overrun(slow: SlowPolicy | undefined, options: HubOptions = {}) {
  const dropped: PublishedEvent[] = []
  const gaps: unknown[] = []
  const served = await serveHub<{ n: { n: number; x: string }; message: string }>({
    slow,
    maxQueued: 2 ** 19,
    heartbeat: 0,
    stallTimeout: 0,
    onDrop: (event) => dropped.push(event),
    onGap: (gap) => void gaps.push(gap),
    ...options,
  })
  const { hub, url, join } = served
  const stalled = await stalledReader(url)
  await until(() => hub.size === 1)
  const healthy = await join()
  await until(() => hub.size === 2)
  const ids: string[] = []
  let n = 0
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      ids.push((await hub.publish({ type: 'n', data: { n: n++, x: PIECE } })).id)
      // The healthy one gets everything, at once, whatever the other does.
      await healthy.until(ids.length)
    }
  }
  return { ...served, stalled, healthy, ids, publish, dropped, gaps }
}

const numbers = (events: readonly ServerSentEvent[]) =>
  events.filter(({ type }) => type === 'n').map(({ data }) => JSON.parse(data).n as number)

describe('a reader that takes nothing', () => {
  test('is cut off by default, told apart in the metrics, and its bytes are let go at once', async () => {
    const { hub, stalled, healthy, publish, ids } = await overrun(undefined)
    let most = 0
    for (let round = 0; round < 40 && hub.size === 2; round++) {
      await publish(5)
      for (const { queued } of hub.subscribers()) most = Math.max(most, queued)
    }
    await until(() => hub.size === 1)
    expect(most).toBeLessThanOrEqual(2 ** 19 + PIECE.length * 2)
    expect(hub.metrics()).toContain('unmissed_closed_total{reason="slow"} 1\n')
    stalled.resume()
    await until(() => stalled.ended)
    expect(numbers(healthy.events)).toEqual(ids.map((_, n) => n))
  }, 20_000)

  test('loses what waits longest with drop-oldest, and is told', async () => {
    const { hub, stalled, publish, dropped, gaps, ids } = await overrun('drop-oldest')
    await until(() => hub.size === 2)
    while (dropped.length < 5) await publish(5)
    expect(hub.size).toBe(2)
    const lost = dropped.map(({ data }) => (data as { n: number }).n)
    expect(lost).toEqual(lost.map((_, i) => (lost[0] as number) + i))
    stalled.resume()
    const last = ids.length - 1
    await stalled.until((events) => numbers(events).at(-1) === last)
    expect(numbers(stalled.events)).toEqual(ids.map((_, n) => n).filter((n) => !lost.includes(n)))
    // The gap comes where they are missing: after the last one before, and before the first one after.
    const at = stalled.events.findIndex(({ type }) => type === 'gap')
    expect(numbers(stalled.events.slice(0, at)).at(-1)).toBe((lost[0] as number) - 1)
    expect(JSON.parse(stalled.events[at]?.data ?? '')).toEqual({
      reason: 'slow',
      asked: ids[(lost[0] as number) - 1],
      oldest: ids[lost[0] as number],
      newest: ids[lost.at(-1) as number],
    })
    expect(gaps.length).toBe(1)
    expect(hub.metrics()).toContain(`unmissed_dropped_total{policy="drop-oldest"} ${lost.length}\n`)
  }, 20_000)

  test('loses what is new with drop-newest, and is told', async () => {
    const { hub, stalled, publish, dropped, ids } = await overrun('drop-newest')
    while (dropped.length < 5) await publish(5)
    const lost = dropped.map(({ data }) => (data as { n: number }).n)
    stalled.resume()
    await stalled.until((events) => events.some(({ type }) => type === 'gap'))
    await until(() => [...hub.subscribers()].every(({ state }) => state === 'live'))
    await publish(1)
    await stalled.until((events) => numbers(events).at(-1) === ids.length - 1)
    expect(numbers(stalled.events)).toEqual(ids.map((_, n) => n).filter((n) => !lost.includes(n)))
  }, 20_000)

  test('keeps the newest of each key with latest, in their order', async () => {
    const { stalled, publish, dropped, ids } = await overrun({
      latest: ({ data }) => `${(data as { n: number }).n % 3}`,
    })
    while (dropped.length < 20) await publish(5)
    stalled.resume()
    const last = ids.length - 1
    await stalled.until((events) => numbers(events).at(-1) === last)
    const got = numbers(stalled.events)
    expect(got).toEqual([...got].sort((a, b) => a - b))
    expect(got.slice(-3)).toEqual([last - 2, last - 1, last])
    expect(stalled.events.some(({ type }) => type === 'gap')).toBe(false)
  }, 20_000)

  test('is not spared by a key function that throws', async () => {
    const errors: unknown[] = []
    const { stalled, publish, dropped, ids } = await overrun(
      {
        latest: () => {
          throw new Error('mine')
        },
      },
      { onError: (error) => errors.push(error) },
    )
    while (dropped.length < 5) await publish(5)
    expect(errors.length).toBeGreaterThan(0)
    stalled.resume()
    await stalled.until((events) => numbers(events).at(-1) === ids.length - 1)
  }, 20_000)

  test('is cut off after stallTimeout though it is within the bound', async () => {
    const reasons: string[] = []
    const { hub, publish } = await overrun('drop-newest', {
      stallTimeout: 100,
      onDisconnect: (_, reason) => reasons.push(reason),
    })
    while (![...hub.subscribers()].some(({ state }) => state === 'behind')) await publish(5)
    await until(() => hub.size === 1)
    expect(reasons).toEqual(['slow'])
  }, 20_000)

  test('holds up whoever awaits what is sent to it, until that has left', async () => {
    const { hub, join } = await serveHub({ maxQueued: 2 ** 30, stallTimeout: 0, heartbeat: 0 })
    const reader = await join()
    await until(() => hub.stats().states.live === 1)
    reader.pause()
    const [subscriber] = hub.subscribers()
    const after: number[] = []
    const sent = []
    for (let n = 1; n <= 200; n++) {
      // What can still wait when the nth has left is what came after it.
      sent.push(
        subscriber?.send(PIECE).then(() => after.push((subscriber?.queued ?? 0) - (200 - n) * (PIECE.length + 10))),
      )
      if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(after.length).toBeLessThan(200)
    reader.resume()
    await Promise.all(sent)
    expect(Math.max(...after)).toBeLessThanOrEqual(0)
  }, 20_000)

  test('an event longer than the bound reaches a reader that keeps up', async () => {
    const { hub, join } = await serveHub({ maxQueued: 1000 })
    const reader = await join()
    await until(() => hub.size === 1)
    await hub.publish({ data: 'y'.repeat(3_000_000) })
    await reader.until(1)
    expect(reader.events[0]?.data.length).toBe(3_000_000)
  })
})
