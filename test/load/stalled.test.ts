import { afterEach, describe, expect, it } from 'vitest'
import { type Child, startChild } from '../helpers/child.ts'
import type { Crowd } from '../helpers/crowd.ts'
import type { HubServer } from './hub-server.ts'
import { scaled } from './scale.ts'

const MiB = 2 ** 20
const READERS = 200
/** One reader in a hundred. */
const STALLED = READERS / 100
const PAYLOAD = 16 * 1024
/** The kernel takes the first megabytes for each socket (its send and receive buffers), so this is well beyond all bounds. */
const EVENTS = scaled(600, 5000)

describe('readers that never read', () => {
  const children: Child<never>[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop()
  })

  async function room(options: object) {
    const server = await startChild<HubServer>(new URL('./hub-server.ts', import.meta.url), {
      args: [JSON.stringify(options)],
    })
    const crowd = await startChild<Crowd>(new URL('../helpers/crowd.ts', import.meta.url))
    children.push(server as Child<never>, crowd as Child<never>)
    return { server, crowd, port: await server.call('listen') }
  }

  /**
   * Sends everything to the readers. What grows is measured where it is exact: the heap and the buffers beside it, after
   * collecting; the process' resident memory moves by more than the bound, with nobody stalled.
   */
  async function measure(options: object, stalled: number) {
    // Nearly no history: what is measured is what waits for readers.
    const { server, crowd, port } = await room({ history: 10, ...options })
    const moving = READERS - stalled
    await crowd.call('connect', { port, count: moving })
    await server.call('broadcast', { count: 50, interval: 5, payload: PAYLOAD })
    await crowd.call('expect', 50 * moving, 20_000)
    await crowd.call('connect', { port, count: stalled, stalled: true })
    await expect.poll(() => server.call('size')).toBe(READERS)
    await crowd.call('reset')
    const before = await server.call('left')
    await server.call('broadcast', { count: EVENTS, interval: 5, payload: PAYLOAD })
    const { deliveries } = await crowd.call('expect', EVENTS * moving, 30_000)
    const after = await server.call('left')
    return {
      complete: deliveries === EVENTS * moving,
      growth: (after.heap + after.external - before.heap - before.external) / MiB,
      latency: await crowd.call('latency'),
      size: await server.call('size'),
    }
  }

  it('are disconnected at the bound; memory stays flat and nobody else waits', async () => {
    const calm = await measure({}, 0)
    const stuck = await measure({}, STALLED)
    expect(calm).toMatchObject({ complete: true, size: READERS })
    expect(stuck).toMatchObject({ complete: true, size: READERS - STALLED })
    expect(stuck.growth).toBeLessThan(1)
    expect(stuck.latency.p99).toBeLessThan(calm.latency.p99 * 5 + 50)
  })

  it.each(['drop-oldest', 'drop-newest'])('%s keeps them and stays flat, too', async (slow) => {
    const { complete, growth, size } = await measure({ slow }, STALLED)
    expect({ complete, size }).toEqual({ complete: true, size: READERS })
    // The bound, 1 MiB, for each, and one MiB more: of 9 MiB that were offered to it, and 3 that its kernel took.
    expect(growth).toBeLessThan(STALLED * 2)
  })
})
