// @vitest-environment happy-dom
import { act } from 'react'
import { expect, it, vi } from 'vitest'
import { byByte, createMockServer } from '../../src/testing/index.ts'
import { Clock } from '../helpers/clock.tsx'
import { render } from '../helpers/react.tsx'

// A component's test in happy-dom as it comes: beside the scripted server nothing of a network is used. Streams of a real
// server want the platform's own fetch, which test/helpers/happy-dom.ts brings back.

it('shows what the scripted server sends', async () => {
  const server = createMockServer({ cut: byByte })
  const page = await render(<Clock fetch={server.fetch} />, { strict: true })
  const request = await server.next()
  expect(request.url).toBe('http://localhost:3000/clock')
  request.send({ type: 'tick', data: '12:00 🕛', id: '1' })
  await page.frame()
  expect(page.text).toBe('open 12:00 🕛')
  await page.unmount()
  expect(await request.closed).toBe('aborted')
})

/** What is under way is read before the first step is over, and shown with the frame of the second. */
const frame = () =>
  act(async () => {
    for (const step of [1, 20]) await vi.advanceTimersByTimeAsync(step)
  })

it('shows it in no time, with timers and frames under control', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'requestAnimationFrame', 'cancelAnimationFrame', 'Date'] })
  const server = createMockServer()
  const page = await render(<Clock fetch={server.fetch} />)
  const first = await server.next()
  first.drop()
  await frame()
  expect(page.text).toBe('waiting ')
  await vi.advanceTimersToNextTimerAsync()
  ;(await server.next()).send({ type: 'tick', data: '12:01' })
  await frame()
  expect(page.text).toBe('open 12:01')
  await page.unmount()
  await vi.advanceTimersByTimeAsync(100)
  expect([server.live, vi.getTimerCount()]).toEqual([0, 0])
  vi.useRealTimers()
})
