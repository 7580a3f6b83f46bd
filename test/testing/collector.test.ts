import { describe, expect, it } from 'vitest'
import { createCollector } from '../../src/testing/index.ts'

describe('createCollector', () => {
  it('takes what is there already, in order, and each value once', async () => {
    const seen = createCollector<number>()
    for (const value of [1, 2, 3]) seen(value)
    expect(await seen.take(2)).toEqual([1, 2])
    expect(await seen.take(1)).toEqual([3])
  })

  it('waits for what is missing', async () => {
    const seen = createCollector<number>()
    const two = seen.take(2)
    const third = seen.take(1)
    let settled = false
    void two.then(() => {
      settled = true
    })
    seen(1)
    await Promise.resolve()
    expect(settled).toBe(false)
    seen(2)
    seen(3)
    expect(await two).toEqual([1, 2])
    expect(await third).toEqual([3])
  })

  it('takes nothing when asked for nothing', async () => {
    expect(await createCollector().take(0)).toEqual([])
  })

  it('keeps everything for later, taken or not', async () => {
    const seen = createCollector<string>()
    seen('a')
    await seen.take(1)
    seen('b')
    expect(seen.events).toEqual(['a', 'b'])
  })
})
