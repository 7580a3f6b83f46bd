import { describe, expect, test } from 'vitest'
import { createHub, type Gap, type Hub, type HubOptions } from '../../../src/server/index.ts'
import { after, until } from '../serve.ts'
import { type WebReader, webReader } from './web-reader.ts'

const PIECE = 'x'.repeat(4000)

function hubOf(options: HubOptions = {}): Hub {
  const hub = createHub({ heartbeat: 0, maxQueued: 40_000, stallTimeout: 0, ...options })
  after(() => hub.close({ within: 0 }))
  return hub
}

/** What a reader was given, gaps as `gap`, numbers without their ballast. */
const told = ({ events }: WebReader) => events.map(({ type, data }) => (type === 'gap' ? 'gap' : data.split(' ')[0]))
const published = async (hub: Hub, from: number, to: number) => {
  for (let n = from; n <= to; n++) await hub.publish({ data: `${n} ${PIECE}` })
}
const has = (data: string) => (events: readonly { data: string }[]) =>
  events.some((event) => event.data.startsWith(data))

async function slowReader(hub: Hub): Promise<WebReader> {
  const reader = await webReader(hub)
  await until(() => hub.stats().states.live === 1)
  reader.pause()
  return reader
}

describe('a reader that lost events by being slow', () => {
  test('is given the snapshot of onGap before anything that is newer, and nothing that is older after it', async () => {
    let state = 0
    const hub = hubOf({
      slow: 'drop-oldest',
      async onGap(_, subscriber) {
        const snapshot = state
        await new Promise((resolve) => setTimeout(resolve, 20))
        await subscriber.send(`snapshot-${snapshot}`)
      },
    })
    const reader = await slowReader(hub)
    for (; state < 100; ) await published(hub, ++state, state)
    reader.resume()
    await reader.until((events) => events.some(({ type }) => type === 'gap'))
    // While the hook works, the stream goes on.
    for (; state < 103; ) await published(hub, ++state, state)
    await reader.until(has('103'))
    const list = told(reader)
    expect(list.filter((each) => each?.startsWith('snapshot-')).length).toBeGreaterThan(0)
    let newest = 0
    for (const [at, each] of list.entries()) {
      const snapshot = Number(/^snapshot-(\d+)$/.exec(each ?? '')?.[1] ?? Number.NaN)
      // Whatever was lost while the hook worked is told by another gap.
      if (snapshot) expect([list[at - 1], snapshot >= newest]).toEqual(['gap', true])
      else if (each !== 'gap') newest = Number(each)
    }
    const kept = list.slice(list.findLastIndex((each) => each?.startsWith('snapshot-')) + 1).map(Number)
    expect(kept).toEqual(kept.map((_, n) => 103 - kept.length + 1 + n))
  })

  test('is ended as failed where onGap fails, and onError is told', async () => {
    const errors: unknown[] = []
    const reasons: string[] = []
    const hub = hubOf({
      slow: 'drop-oldest',
      onGap: async () => Promise.reject(new Error('no snapshot')),
      onDisconnect: (_, reason) => void reasons.push(reason),
      onError: (error) => errors.push(error),
    })
    const reader = await slowReader(hub)
    await published(hub, 1, 60)
    reader.resume()
    await reader.over
    expect(reasons).toEqual(['failed'])
    expect(errors).toEqual([expect.objectContaining({ message: 'no snapshot' })])
  })

  test('is told of the hole where it is: after the events that were kept before it', async () => {
    const gaps: Gap[] = []
    const hub = hubOf({ slow: 'drop-newest', onGap: (gap) => void gaps.push(gap) })
    const reader = await slowReader(hub)
    const ids: string[] = []
    for (let n = 1; n <= 60; n++) ids.push((await hub.publish({ data: `${n} ${PIECE}` })).id)
    reader.resume()
    await reader.until((events) => events.some(({ type }) => type === 'gap'))
    await published(hub, 61, 61)
    await reader.until(has('61'))
    const list = told(reader)
    const at = list.indexOf('gap')
    const [gap] = gaps as [Gap]
    const [first, last] = [gap.oldest, gap.newest].map((id) => ids.indexOf(id) + 1) as [number, number]
    expect(gap).toEqual({ reason: 'slow', asked: ids[first - 2], oldest: ids[first - 1], newest: ids[last - 1] })
    const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`)
    expect(list.slice(0, at)).toEqual(numbers(1, first - 1))
    expect(list.slice(at + 1)).toEqual(numbers(last + 1, 61))
    // Cut off before the hook has said what it has to, it asks again, and is told again.
    expect(reader.events[at]?.id).toBe(gap.asked)
  })

  test('is told of each of several holes, each in its place', async () => {
    const hub = hubOf({ slow: 'drop-newest' })
    const reader = await slowReader(hub)
    await published(hub, 1, 30)
    // Some room, and not enough.
    reader.resume()
    await reader.until((events) => events.length >= 5)
    reader.pause()
    await published(hub, 31, 80)
    reader.resume()
    await until(() => reader.subscriber.state === 'live')
    await published(hub, 81, 81)
    await reader.until(has('81'))
    const numbers = told(reader)
    let last = 0
    for (const each of numbers) {
      if (each === 'gap') last = Number.NaN
      else {
        // Only a gap may stand between two that do not follow each other.
        if (!Number.isNaN(last)) expect(Number(each)).toBe(last + 1)
        last = Number(each)
      }
    }
  })
})

describe('what is sent to one reader by itself', () => {
  test('is never dropped, whatever the policy drops around it', async () => {
    for (const slow of ['drop-oldest', 'drop-newest', { latest: () => 'all' }] as const) {
      const hub = hubOf({ slow })
      const reader = await slowReader(hub)
      const sent: Promise<void>[] = []
      for (let n = 1; n <= 60; n++) {
        await published(hub, n, n)
        if (n % 10 === 0) sent.push(reader.subscriber.send(`own-${n}`))
      }
      reader.resume()
      await Promise.all(sent)
      await reader.until(has('own-60'))
      expect(told(reader).filter((each) => each?.startsWith('own'))).toEqual(
        [10, 20, 30, 40, 50, 60].map((n) => `own-${n}`),
      )
    }
  })

  test('that has no room ends the reader as slow, and its promise is rejected', async () => {
    const reasons: string[] = []
    const hub = hubOf({ slow: 'drop-oldest', onDisconnect: (_, reason) => void reasons.push(reason) })
    const reader = await slowReader(hub)
    const outcomes: string[] = []
    for (let n = 0; n < 30; n++) {
      reader.subscriber.send(PIECE).then(
        () => outcomes.push('sent'),
        ({ code, reason }) => outcomes.push(`${code} ${reason}`),
      )
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => outcomes.length === 30)
    expect(reasons).toEqual(['slow'])
    // What had left was sent, and nothing after what had not.
    const lost = outcomes.filter((outcome) => outcome !== 'sent')
    expect(outcomes).toEqual([...outcomes.filter((outcome) => outcome === 'sent'), ...lost])
    expect(new Set(lost)).toEqual(new Set(['connection-closed slow']))
  })
})

describe('the bound', () => {
  test('holds for what is published in one turn', async () => {
    const hub = hubOf({ maxQueued: 65_536, slow: 'drop-newest' })
    const reader = await slowReader(hub)
    for (let n = 0; n < 2500; n++) void hub.publish({ data: `${n} ${PIECE}` })
    await until(() => reader.subscriber.state === 'behind')
    // One early write of a turn, and what the bound allows.
    expect(reader.subscriber.queued).toBeLessThan(65_536 * 2 + 10_000)
  })

  test('of bytes a second holds a reader back, and loses nothing', async () => {
    const hub = hubOf({ maxQueued: 10_000_000, limits: { bytesPerSecond: 40_000 } })
    const reader = await webReader(hub)
    await until(() => hub.stats().states.live === 1)
    const start = performance.now()
    await published(hub, 1, 20)
    await reader.until(has('10'))
    // A second's worth goes at once, the rest at its rate.
    expect(told(reader).length).toBeLessThan(20)
    await reader.until(has('20'))
    expect(performance.now() - start).toBeGreaterThan(700)
    expect(told(reader)).toEqual(Array.from({ length: 20 }, (_, n) => `${n + 1}`))
  }, 10_000)
})
