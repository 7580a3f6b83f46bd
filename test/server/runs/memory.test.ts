import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { createRuns } from '../../../src/server/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const used = () => {
  for (let times = 0; times < 3; times++) collect()
  return process.memoryUsage().heapUsed
}

test('thousands of runs that are over and no longer kept leave no memory, and no timer, behind one that goes on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date', 'performance'] })
  const runs = createRuns({ authorize: 'anyone', keep: 1000 })
  let stop = (): void => {}
  const long = await runs.start('long', () => new Promise<void>((resolve) => (stop = resolve)))
  const many = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const run = await runs.start(undefined, async ({ send }) => {
        for (let token = 0; token < 20; token++) await send(`token ${token} of ${n}`)
      })
      if (n % 10 === 0) await (await runs.fetch(new Request('http://a/'), run.id)).text()
      await run.outcome
    }
    await vi.advanceTimersByTimeAsync(60_000)
    // Whoever comes next sees to what is over.
    await (await runs.start(undefined, () => {})).outcome
  }
  await many(1500)
  const before = used()
  await many(3000)
  // A kilobyte each would be three million.
  expect(used() - before).toBeLessThan(600_000)
  expect(await runs.list()).toHaveLength(2)
  stop()
  await long.outcome
  const closed = runs.close()
  await vi.advanceTimersByTimeAsync(20_000)
  await closed
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
}, 60_000)
