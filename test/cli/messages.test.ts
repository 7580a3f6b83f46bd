import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { run } from './run.ts'

// Each row of the guide's table is caused here, and its text is the very line.

const guide = readFileSync(new URL('../../src/cli/README.md', import.meta.url), 'utf8')
const begin = guide.indexOf('What is not understood is told on standard error')
const rows = [...guide.slice(begin, guide.indexOf('| exit code |', begin)).matchAll(/^\| `([^`]+)` \|/gm)].map(
  ([, text = '']) => text,
)
const told: string[] = []

test.each([
  [],
  ['http://a.test', 'b'],
  ['/events'],
  ['ws://a.test'],
  ['http://a.test', '--hedaer', 'a: b'],
  ['http://a.test', '--max', 'many'],
  ['http://a.test', '-H', 'authorization'],
  ['http://a.test', '-d', '@missing.json'],
  ['http://a.test', '-d', '@-', '-d', '@-'],
  ['http://a.test', '--resume', '/'],
  ['doctor'],
])('%s %s %s %s %s', async (...args) => {
  const { done, err, out } = run(...args.filter((arg) => arg !== undefined))
  expect(await done).toBe(2)
  expect(out()).toBe('')
  const [line = ''] = err().split('\n')
  const row = rows.find((row) =>
    row.endsWith('…') ? line.startsWith(`unmissed: ${row.slice(0, -1)}`) : line === `unmissed: ${row}`,
  )
  expect(row, line).toBeDefined()
  told.push(row as string)
})

afterAll(() => {
  expect(told.sort()).toEqual([...rows].sort())
})
