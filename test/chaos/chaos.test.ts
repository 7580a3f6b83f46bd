import { beforeAll, describe, expect, it } from 'vitest'
import { buildSoak, type Soak } from './child.ts'
import { SILENCE } from './peers.ts'
import type { Judged } from './run.ts'
import { PLACES } from './scan.ts'

const { CHAOS_SEED = '20260101' } = process.env
const SEED = Number(CHAOS_SEED)

// `npm run soak` is the long form of this.
describe(`connect against a bad network, seed ${SEED}`, () => {
  let soak: (options: Soak) => Promise<Judged>
  beforeAll(async () => {
    soak = await buildSoak()
  })

  it('loses, doubles, reorders and leaks nothing in 500 cuts among every other fault', async () => {
    const { broken, cuts, places } = await soak({ peer: 'unmissed', scenario: 'storm', cuts: 500, seed: SEED })
    expect(broken).toEqual([])
    expect(cuts).toBeGreaterThanOrEqual(500)
    expect(Object.keys(places)).toEqual(expect.arrayContaining([...PLACES]))
  })

  it('does not grow in 1,000 cuts', async () => {
    const { broken, cuts } = await soak({ peer: 'unmissed', scenario: 'cuts', cuts: 1_000, seed: SEED, clients: 8 })
    expect(broken).toEqual([])
    expect(cuts).toBeGreaterThanOrEqual(1_000)
  })

  it.each<[sentence: string, options: Omit<Soak, 'seed'>]>([
    ['misses nothing of a hub of ours either', options('network', 120, 'unmissed-hub')],
    ['resumes by the query after an id that no header can carry', options('cuts', 150, 'unmissed-wild')],
    ['delivers once what a server sends five events too many of', options('again', 60)],
    ['goes on after answers that end cleanly', options('ends', 60)],
    ['ignores what stands between the events and is none', options('garbage', 60)],
    ['survives what is no HTTP', options('bad-chunk', 40)],
    ['reads one byte at a time', options('drip', 16)],
    ['comes back from refusals, empty answers and redirects, and not before `Retry-After`', options('refusals', 40)],
    ['bears a wrong content type where its `retry` says so', options('wrong-type', 40, 'unmissed-stubborn')],
  ])('%s', async (_, each) => {
    const { broken, cuts } = await soak({ ...each, seed: SEED })
    expect(broken).toEqual([])
    expect(cuts).toBeGreaterThanOrEqual(each.cuts)
  })

  it('notices every link that dies without a word, in its own time', async () => {
    const { broken, cuts, noticed } = await soak({ ...options('half-open', 32), seed: SEED })
    expect(broken).toEqual([])
    expect(noticed.count).toBe(cuts)
    // The clock of a `connectTimeout` starts before the request arrives, hence a little less than the whole.
    expect(noticed.p50).toBeGreaterThan(0.9 * SILENCE)
    expect(noticed.p50).toBeLessThan(2 * SILENCE)
  })
})

function options(scenario: Soak['scenario'], cuts: number, peer: Soak['peer'] = 'unmissed'): Omit<Soak, 'seed'> {
  return { scenario, cuts, peer }
}
