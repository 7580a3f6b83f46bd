import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { lasting, lastingText } from '../../../src/client/store/lasting.ts'

const MB = 2 ** 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** How much a list of strings keeps in memory, each cut from a chunk of a megabyte of its own. */
function kept(keep: (text: string) => unknown): number {
  collect()
  const before = process.memoryUsage().heapUsed + process.memoryUsage().external
  const list = Array.from({ length: 40 }, (_, index) =>
    keep(Buffer.alloc(MB, `${index}-`).toString('latin1').slice(100, 140)),
  )
  collect()
  collect()
  const after = process.memoryUsage().heapUsed + process.memoryUsage().external
  expect(list).toHaveLength(40)
  return (after - before) / MB
}

it('keeps nothing but itself, where a string as it was cut keeps its chunk', () => {
  expect(kept((text) => text)).toBeGreaterThan(30)
  expect(kept(lastingText)).toBeLessThan(5)
  expect(kept((text) => lasting({ type: text, data: text, id: text }))).toBeLessThan(5)
})

it.each(['', 'short', 'a text of more than thirteen characters', '\u{1f600}'.repeat(20)])(
  'is the same text: %j',
  (text) => {
    expect(lastingText(text)).toBe(text)
    const data = { price: 3 }
    expect(lasting({ type: 'tick', data: text, id: text })).toEqual({ type: 'tick', data: text, id: text })
    expect(lasting({ type: 'tick', data, id: text }).data).toBe(data)
  },
)
