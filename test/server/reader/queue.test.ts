import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Frame } from '../../../src/server/reader/frame.ts'
import { Hole, Queue } from '../../../src/server/reader/queue.ts'

const published = (n: number) => new Frame(`data: ${n}\n\n`, { event: { id: `e.${n}` } })

/** All that is in a queue, as it would leave it. */
function drain(queue: Queue): string[] {
  const found: string[] = []
  for (let item = queue.take(); item; item = queue.take()) {
    found.push(item instanceof Hole ? `${item.oldest}…${item.newest}` : (item.event?.id ?? item.id ?? 'own'))
  }
  return found
}

describe('a queue', () => {
  test('keeps a hole where it is though something newer of the same key comes', () => {
    const queue = new Queue()
    queue.add(published(1), 'x')
    queue.add(published(2))
    queue.dropOldest()
    queue.add(published(3), 'x')
    expect(drain(queue)).toEqual(['e.1…e.1', 'e.2', 'e.3'])
  })

  test('counts a frame that waits twice, such as a heartbeat’s, twice, and forgets it twice', () => {
    const queue = new Queue()
    const still = new Frame(':\n\n')
    queue.add(still)
    queue.add(still)
    expect([queue.size, queue.ownSize]).toEqual([6, 6])
    expect(drain(queue)).toEqual(['own', 'own'])
    expect([queue.size, queue.ownSize]).toEqual([0, 0])
  })

  test('lets what was sent to one reader alone be taken out of turn, but no place in the log', () => {
    const queue = new Queue()
    queue.add(new Frame('data: one\n\n'))
    queue.add(published(1))
    queue.add(new Frame('id: e.1\n\n', { id: 'e.1' }))
    queue.add(new Frame('data: two\n\n'))
    expect(queue.takeOwn()).toHaveLength(2)
    expect(drain(queue)).toEqual(['e.1', 'e.1'])
  })

  test('is a list, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.constantFrom(undefined, 'x', 'y') }),
      fc.record({
        do: fc.constantFrom('own' as const, 'take' as const, 'takeOwn' as const, 'lose' as const, 'drop' as const),
      }),
      fc.record({ do: fc.constant('keyed' as const), key: fc.constantFrom('x', 'y') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new Queue()
        // Numbers are events, strings what is one reader's own, pairs are holes.
        let list: Array<{ n?: number; key?: string | undefined; from?: number; to?: number }> = []
        const show = ({ n, from, to }: (typeof list)[number]) =>
          from !== undefined ? `e.${from}…e.${to}` : n === undefined ? 'own' : `e.${n}`
        let n = 0
        for (const each of steps) {
          if (each.do === 'add') {
            queue.add(published(++n), each.key)
            for (const one of list) if (each.key && one.key === each.key) one.key = undefined
            list.push({ n, key: each.key })
          } else if (each.do === 'own') {
            queue.add(new Frame('data\n\n'))
            list.push({})
          } else if (each.do === 'take') {
            // With all holes before it, which may be one or several.
            let item = queue.take()
            while (item instanceof Hole) item = queue.take()
            let expected = list.shift()
            while (expected?.from !== undefined) expected = list.shift()
            expect(item?.event?.id).toBe(expected?.n && `e.${expected.n}`)
          } else if (each.do === 'takeOwn') {
            expect(queue.takeOwn()).toHaveLength(
              list.filter(({ n, from }) => n === undefined && from === undefined).length,
            )
            list = list.filter(({ n, from }) => n !== undefined || from !== undefined)
          } else if (each.do === 'lose') {
            queue.lose(`e.${++n}`)
            list.push({ from: n, to: n })
          } else if (each.do === 'keyed') {
            const found = list.findLast(({ key }) => key === each.key)
            expect(queue.takeKeyed(each.key)?.event?.id).toBe(found && `e.${found.n}`)
            list = list.filter((one) => one !== found)
          } else {
            const at = list.findIndex(({ n }) => n !== undefined)
            expect(queue.dropOldest()?.event?.id).toBe(at < 0 ? undefined : `e.${list[at]?.n}`)
            const dropped = list[at]
            if (dropped) list[at] = { from: dropped.n as number, to: dropped.n as number }
          }
          // Holes side by side are told as one, or one after the other.
          const bytes = list.reduce(
            (sum, one) => sum + (one.from !== undefined ? 0 : one.n === undefined ? 6 : 8 + `${one.n}`.length),
            0,
          )
          expect(queue.size).toBe(bytes)
        }
        expect(join(drain(queue))).toEqual(join(list.map(show)))
      }),
    )
  })
})

/** Holes that follow one another as one. */
function join(items: string[]): string[] {
  const joined: string[] = []
  for (const item of items) {
    const last = joined.at(-1)
    if (item.includes('…') && last?.includes('…'))
      joined[joined.length - 1] = `${last.split('…')[0]}…${item.split('…')[1]}`
    else joined.push(item)
  }
  return joined
}
