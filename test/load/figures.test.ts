import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../bench/server/run.ts', import.meta.url))
const loader = new URL('../helpers/typescript.mjs', import.meta.url).href

type Name = 'limit' | 'naive' | 'unmissed' | 'unmissed-web'

interface Report {
  fanOut: Record<Name, Record<string, number>>
  memory: Record<Name, { heap: number }>
}

// `npm run bench:server` measures; this only keeps a change from making everything dearer without anybody's noticing.
// Three short rounds on a busy machine waver by a third, and so the bounds are wide: encoding per reader costs twice as much.
describe('what 1,000 readers cost, as a multiple of raw sockets', () => {
  const single = '1000 × 100 B'
  const burst = '1000 × 100 B, 10 a turn'
  let report: Report

  beforeAll(async () => {
    const only = ['limit', 'naive', 'unmissed', 'unmissed-web'] satisfies Name[]
    const options = ['--json', '--rounds', '3', '--skip', 'stalled', '--payload', '100', '--only', only.join(',')]
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', loader, script, ...options])
    report = JSON.parse(stdout)
  })

  it('an event costs little more CPU than the writing of its bytes, and not half as much again as a loop over responses', () => {
    const { naive, unmissed } = report.fanOut
    expect(unmissed[single]).toBeLessThan(1.8)
    expect(unmissed[single]).toBeLessThan((naive[single] ?? 0) * 1.5)
  })

  it('ten events of one turn cost a fraction of ten', () => {
    expect(report.fanOut.unmissed[burst]).toBeLessThan(0.5)
  })

  it('a web response costs a small multiple', () => {
    expect(report.fanOut['unmissed-web'][single]).toBeLessThan(4)
  })

  it('an idle connection holds little heap beyond what Node holds for it', () => {
    const { naive, unmissed } = report.memory
    expect(unmissed.heap).toBeLessThan(Math.max(7, naive.heap * 1.5))
  })
})
