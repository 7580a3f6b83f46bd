import { expect, test } from 'vitest'
import { Heap } from '../../../src/server/reader/heap.ts'
import { createRandom } from '../../chaos/random.ts'

test('gives out what is due in its order, whatever was added, moved and taken out meanwhile', () => {
  const random = createRandom('heap', 1)
  const heap = new Heap<number>()
  const model = new Map<number, number>()
  for (let step = 0; step < 5000; step++) {
    const value = Math.floor(random() * 300)
    const what = random()
    if (what < 0.5) {
      const at = Math.floor(random() * 1000)
      heap.add(value, at)
      model.set(value, at)
    } else if (what < 0.7) {
      heap.delete(value)
      model.delete(value)
    } else if (what < 0.98) {
      const until = Math.floor(random() * 200)
      const due = [...model.values()].filter((at) => at <= until).sort((a, b) => a - b)
      const taken = heap.takeUntil(until)
      expect(taken === undefined ? undefined : model.get(taken)).toBe(due[0])
      if (taken !== undefined) model.delete(taken)
    } else {
      const reckon = (of: number) => (of * 7919) % 1000
      heap.rebuild(reckon)
      for (const of of model.keys()) model.set(of, reckon(of))
    }
    expect(heap.first).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
  }
})
