import { expect, test } from 'vitest'
import { kill } from './kill/kill.ts'

/** Two minutes; twenty in `npm run soak`. */
const SECONDS = Number(process.env['KILL_SECONDS'] ?? 120)

test(
  'processes that are killed, a Redis that is restarted, frozen and cut off: every client has every event once, in order',
  async () => {
    const { heard, gaps, published, kills, reconnects } = await kill(SECONDS)
    expect(gaps).toEqual([])
    expect(kills).toBe(SECONDS)
    expect(reconnects).toBeGreaterThan(SECONDS)
    for (const own of heard) {
      expect(new Set(own).size).toBe(own.length)
      for (const [name, { taken, rejected }] of Object.entries(published)) {
        const numbers = own.filter((each) => each.startsWith(`${name} `)).map((each) => Number(each.split(' ')[1]))
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
        const heardOf = new Set(numbers)
        expect(taken.filter((each) => !heardOf.has(each))).toEqual([])
        const known = new Set([...taken, ...rejected])
        expect(numbers.filter((each) => !known.has(each))).toEqual([])
      }
    }
    for (const { taken } of Object.values(published)) expect(taken.length).toBeGreaterThan(SECONDS * 5)
  },
  (SECONDS + 120) * 1000,
)
