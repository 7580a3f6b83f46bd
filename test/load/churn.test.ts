import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { type Child, startChild } from '../helpers/child.ts'
import type { HubServer } from './hub-server.ts'
import { scaled } from './scale.ts'

const PER_SECOND = 1000
const SECONDS = scaled(5, 60)

let server: Child<HubServer> | undefined
afterEach(() => server?.stop())

let cycles = 0

/** Comes, waits for the head (or not even that), goes: politely, or by a reset in the middle of whatever was going on. */
async function cycle(port: number): Promise<void> {
  const number = cycles++
  await new Promise<void>((resolve, reject) => {
    // Each source address has ports of its own: the polite ones keep theirs for a minute (TIME_WAIT).
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (number % 250)}` })
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.once('connect', () => {
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
      if (number % 10 === 0) socket.destroy()
    })
    socket.once('data', () => (number % 2 ? socket.destroy() : socket.resetAndDestroy()))
  })
}

async function churn(port: number, seconds: number): Promise<void> {
  const start = performance.now()
  const running = new Set<Promise<void>>()
  for (let i = 0; i < seconds * PER_SECOND; i++) {
    const one = cycle(port).finally(() => running.delete(one))
    running.add(one)
    if (running.size >= 200) await Promise.race(running)
    if (i % 10 === 0) await sleep(Math.max(0, start + (i / PER_SECOND) * 1000 - performance.now()))
  }
  await Promise.all(running)
}

it(`${PER_SECOND} connections a second, for ${SECONDS} s, leave nothing behind`, async () => {
  server = await startChild<HubServer>(new URL('./hub-server.ts', import.meta.url), { args: ['{"history":10}'] })
  const port = await server.call('listen')
  /** What is held after some seconds of coming and going, in which there is something to send all the time. */
  const after = async (seconds: number) => {
    await Promise.all([
      server?.call('broadcast', { count: seconds * 50, interval: 20, payload: 100 }),
      churn(port, seconds),
    ])
    await expect.poll(() => server?.call('size')).toBe(0)
    await expect.poll(async () => (await server?.call('left'))?.connections).toBe(0)
    return (await server?.call('left')) as Awaited<ReturnType<HubServer['left']>>
  }
  const before = await after(1)
  const left = await after(SECONDS)
  expect(left.resources).toEqual(before.resources)
  // Ten times less than the check's connections would hold if they were forgotten: of those that left a hub keeps the ids of
  // ten thousand at most, 200 bytes each; the rest is compiled code.
  expect(left.heap - before.heap).toBeLessThan(3 * 2 ** 20)
}, 180_000)
