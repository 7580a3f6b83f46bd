import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { IndexOf } from '../../../src/server/hub/index-of.ts'

const [one, two, three] = [{ n: 1 }, { n: 2 }, { n: 3 }]

describe('an index', () => {
  test('finds each member of a name once, whatever is added again', () => {
    const index = new IndexOf<{ n: number }>()
    for (const member of [one, one, two, two, one, three]) index.add('a', member)
    index.add('b', one)
    expect([...(index.get('a') ?? [])]).toEqual([one, two, three])
    expect([...(index.get('b') ?? [])]).toEqual([one])
    expect(index.get('c')).toBeUndefined()
    expect(index.counts()).toEqual({ a: 3, b: 1 })
    expect([index.count('a'), index.count('b'), index.count('c'), index.size]).toEqual([3, 1, 0, 2])
    expect([...index.names]).toEqual(['a', 'b'])
  })

  test('forgets a name with its last member, and takes nobody away for another', () => {
    const index = new IndexOf<{ n: number }>()
    index.add('a', one)
    index.delete('a', two)
    index.delete('b', one)
    expect(index.counts()).toEqual({ a: 1 })
    index.add('a', two)
    index.delete('a', one)
    index.delete('a', three)
    expect([...(index.get('a') ?? [])]).toEqual([two])
    index.delete('a', two)
    expect([index.get('a'), index.size]).toEqual([undefined, 0])
    index.add('a', three)
    expect([...(index.get('a') ?? [])]).toEqual([three])
  })

  test('may be changed while it is looked through', () => {
    const index = new IndexOf<{ n: number }>()
    index.add('a', one)
    for (const member of index.get('a') ?? []) {
      index.delete('a', member)
      index.add('a', two)
    }
    expect([...(index.get('a') ?? [])]).toEqual([two])
  })

  test('costs less than 100 bytes for a name with one member, beside the name', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const heap = () => {
      gc()
      return process.memoryUsage().heapUsed
    }
    const index = new IndexOf<{ n: number }>()
    const names = Array.from({ length: 100_000 }, (_, n) => `topic ${n}`)
    const before = heap()
    for (const name of names) index.add(name, one)
    expect((heap() - before) / names.length).toBeLessThan(100)
    expect(index.size).toBe(names.length)
  })
})
