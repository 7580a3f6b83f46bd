import { describe, expect, it, vi } from 'vitest'
import { drain, end, type Queue } from '../../src/client/queue.ts'

function create<T>(...items: T[]): Queue<T> {
  return { items, over: false, wake() {} }
}
function push<T>(queue: Queue<T>, item: T) {
  queue.items.push(item)
  queue.wake()
}

describe('a queue', () => {
  it('hands out what came, in order, and waits for more', async () => {
    const queue = create(1, 2)
    const items = drain(queue, () => {})
    expect([await items.next(), await items.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
    ])
    const next = items.next()
    push(queue, 3)
    expect(await next).toEqual({ done: false, value: 3 })
  })
  it('settles every question that waits when it is over', async () => {
    const queue = create<number>()
    const items = drain(queue, () => {})
    const [one, two] = [items.next(), items.next()]
    end(queue, false)
    expect(await Promise.all([one, two])).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })
  it('is over after what it holds, or at once where that is discarded', async () => {
    const kept = create(1)
    end(kept, false)
    expect(await drain(kept, () => {}).next()).toEqual({ done: false, value: 1 })
    const discarded = create(1)
    end(discarded, true)
    expect(await drain(discarded, () => {}).next()).toEqual({ done: true, value: undefined })
  })
  it('tells whenever something was taken', async () => {
    const onTake = vi.fn()
    const items = drain(create(1, 2), onTake)
    await items.next()
    expect(onTake).toHaveBeenCalledTimes(1)
  })
})
