import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ENGINES } from '../engines.js'
import { CAPABILITIES, limitsOf } from './record.ts'
import { BEGIN, END, fillRuntimes, readResults, render } from './table.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

test('the README shows the table of the last recorded run (`npm run runtimes` writes it)', () => {
  expect(fillRuntimes(readme, readResults())).toBe(readme)
})

test('every runtime and browser has its row, in every capability', () => {
  const { rows, capabilities } = readResults()
  const runtimes = Object.keys(ENGINES).filter(
    (name) => !['nginx', 'apache', 'caddy', 'haproxy', 'promtool', 'redis'].includes(name),
  )
  expect(rows.map(({ engine }) => engine)).toEqual(runtimes)
  expect(capabilities).toEqual(CAPABILITIES)
})

const results = {
  capabilities: ['parse', 'POST'],
  rows: [
    { engine: 'a', name: 'A', version: '1', limits: [] },
    { engine: 'b', name: 'B', version: '2', limits: ['b-parse', 'b-post'] },
  ],
  notes: {
    'b-parse': { capability: 'parse', note: 'B is slow.' },
    'b-post': { capability: 'POST', note: 'B cannot.', missing: true as const },
  },
}

test('a limit is a number at its cell and a note below, and what is missing no tick', () => {
  expect(render(results)).toBe(`| runtime | parse | POST |
| --- | :-: | :-: |
| A 1 | ✓ | ✓ |
| B 2 | ✓ <sup>1</sup> | – <sup>2</sup> |

<sup>1</sup> B is slow.<br>
<sup>2</sup> B cannot.`)
})

test('a page without markers stays as it is, one with them gets the table between', () => {
  expect(fillRuntimes('a page', results)).toBe('a page')
  const page = `before ${BEGIN} old ${END} after`
  expect(fillRuntimes(page, results)).toBe(`before ${BEGIN}\n\n${render(results)}\n\n${END} after`)
  expect(fillRuntimes(fillRuntimes(page, results), results)).toBe(fillRuntimes(page, results))
})

test('a test that fails without a limit is told, and so is a capability that nobody tried', () => {
  const passed = CAPABILITIES.map((capability) => ({ capability, name: 'any', ms: 1 }))
  const failed = { capability: 'parse', name: 'any', ms: 1, error: 'broken' }
  const limited = {
    capability: 'backpressure',
    name: 'a reader that stops is felt by the server, and nothing is lost when it goes on',
    ms: 1,
    error: 'took it all',
  }
  expect(limitsOf('firefox', [...passed, limited])).toEqual(['firefox-backpressure'])
  expect(() => limitsOf('bun', [...passed, limited])).toThrow()
  expect(() => limitsOf('firefox', [...passed, failed])).toThrow()
  expect(() => limitsOf('firefox', passed.slice(1))).toThrow()
})
