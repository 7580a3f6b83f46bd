import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fillBench } from './bench.ts'
import { fill } from './comments.js'
import { fillPeers } from './peers.ts'
import { reference } from './reference.js'
import { complaints, root, snippets } from './snippets.ts'

const readme = readFileSync(`${root}README.md`, 'utf8')

test.each(['README.md', 'demo/page/public/llms.txt'])('every snippet of %s compiles', { timeout: 120_000 }, (page) => {
  const list = snippets(page)
  expect(list.length).toBeGreaterThan(0)
  expect(complaints(list)).toEqual([])
})

test('a snippet that does not compile is told with its line', () => {
  const at = 'README.md:7'
  expect(complaints([{ at, language: 'ts', code: "import { connect } from 'unmissed'\nconnect(5)\n" }])).toEqual([
    expect.stringContaining(`${at} line 2`),
  ])
})

test('the tables are the doc comments and the budgets (`npm run docs` writes them)', () => {
  expect(readme).toContain('<!-- options: ')
  expect(readme).toBe(fill(readme))
})

test('the comparison with other parsers is what the differential test proves of each', () => {
  expect(readme).toContain('<!-- peers -->')
  expect(readme).toBe(fillPeers(readme))
})

test('the figures are those that were measured (`npm run bench:record` writes them down)', () => {
  expect(readme).toContain('<!-- bench: ')
  expect(readme).toBe(fillBench(readme))
})

test('the reference is what the doc comments say (`npm run docs` writes it)', () => {
  expect(readFileSync(`${root}src/reference.md`, 'utf8')).toBe(reference())
})

test('the sizes in the README are the budgets that every build is held to', () => {
  const budgets: { name: string; limit: string }[] = JSON.parse(readFileSync(`${root}size-limit.json`, 'utf8'))
  for (const { name, limit } of budgets) expect(readme).toContain(`| \`${name}\` | ${limit} |`)
})

const recipes = readdirSync(`${root}test/recipes`).filter((name) => !/\.test\.ts$|^nginx\.ts$/.test(name))

test.each(recipes)('the recipe %s is one text: what stands in the README is what is run', (name) => {
  const language = name === 'nginx.conf' ? 'nginx' : name.split('.').pop()
  const code = readFileSync(`${root}test/recipes/${name}`, 'utf8')
  expect(readme).toContain(`\`\`\`${language}\n${code}\`\`\`\n`)
})
