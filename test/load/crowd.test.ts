import { afterEach, expect, it } from 'vitest'
import { type Child, startChild } from '../helpers/child.ts'
import type { Crowd } from '../helpers/crowd.ts'
import type { HubServer } from './hub-server.ts'
import { scaled } from './scale.ts'

const READERS = scaled(2000, 10_000)
const STALLED = READERS / 100
const EVENTS = scaled(20, 60)
/** Milliseconds between two events: steady, and slow enough that one machine serves and reads at once. */
const INTERVAL = scaled(250, 1000)

let children: Child<never>[] = []
afterEach(async () => {
  for (const child of children) await child.stop()
  children = []
})

it(`${READERS} readers, one in a hundred of them stalled: nothing is lost for the others, memory stays flat`, async () => {
  const files = READERS + 200
  const server = await startChild<HubServer>(new URL('./hub-server.ts', import.meta.url), { files })
  const crowd = await startChild<Crowd>(new URL('../helpers/crowd.ts', import.meta.url), { files })
  children = [server as Child<never>, crowd as Child<never>]
  const port = await server.call('listen')
  await crowd.call('connect', { port, count: READERS - STALLED })
  await crowd.call('connect', { port, count: STALLED, stalled: true })
  await expect.poll(() => server.call('size'), { timeout: 20_000 }).toBe(READERS)
  const send = { count: EVENTS, interval: INTERVAL, payload: 1024 }

  await server.call('broadcast', send)
  await crowd.call('expect', EVENTS * (READERS - STALLED), 60_000)
  const before = await server.call('left')
  await crowd.call('reset')
  await server.call('broadcast', send)
  const { deliveries } = await crowd.call('expect', EVENTS * (READERS - STALLED), 60_000)
  const after = await server.call('left')

  expect(deliveries).toBe(EVENTS * (READERS - STALLED))
  const { p50, p99, max, samples } = await crowd.call('latency')
  console.log(`delivery to ${READERS} readers: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${samples} samples)`)
  // Recorded, not judged: how fast the machine is says nothing of the hub. But whoever falls behind falls ever further.
  expect(p99).toBeLessThan(EVENTS * INTERVAL)
  expect((after.heap - before.heap) / READERS).toBeLessThan(1024)
  await crowd.call('leave')
  await expect.poll(() => server.call('size'), { timeout: 20_000 }).toBe(0)
}, 300_000)
