import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fillBench } from './bench.ts'
import { fill } from './comments.js'
import { anchorsOf, linksOf, pages, textOf } from './pages.js'
import { fillPeers } from './peers.ts'
import { reference } from './reference.js'
import { complaints, root, snippets } from './snippets.ts'

const readme = textOf('README.md')
const everything = pages.map(textOf).join('\n')

test('every snippet of every page compiles', { timeout: 120_000 }, () => {
  const list = [...pages, 'demo/page/public/llms.txt'].flatMap((page) => snippets(page))
  expect(list.length).toBeGreaterThan(80)
  expect(complaints(list)).toEqual([])
})

test('a snippet that does not compile is told with its line', () => {
  const at = 'README.md:7'
  expect(complaints([{ at, language: 'ts', code: "import { connect } from 'unmissed'\nconnect(5)\n" }])).toEqual([
    expect.stringContaining(`${at} line 2`),
  ])
})

test('the tables are the doc comments and the budgets (`npm run docs` writes them)', () => {
  expect(everything).toContain('<!-- options: ')
  for (const page of pages) expect(textOf(page), page).toBe(fill(textOf(page)))
})

test('the comparison with other parsers is what the differential test proves of each', () => {
  expect(everything).toContain('<!-- peers -->')
  for (const page of pages) expect(textOf(page), page).toBe(fillPeers(textOf(page)))
})

test('the figures are those that were measured (`npm run bench:record` writes them down)', () => {
  expect(everything).toContain('<!-- bench: ')
  for (const page of pages) expect(textOf(page), page).toBe(fillBench(textOf(page)))
})

test('the reference is what the doc comments say (`npm run docs` writes it)', () => {
  expect(readFileSync(`${root}src/reference.md`, 'utf8')).toBe(reference())
})

test('the sizes in the README are the budgets that every build is held to', () => {
  const budgets: { name: string; limit: string }[] = JSON.parse(readFileSync(`${root}size-limit.json`, 'utf8'))
  for (const { name, limit } of budgets) expect(readme).toContain(`| \`${name}\` | ${limit} |`)
})

const LANGUAGES: Record<string, string> = {
  'nginx.conf': 'nginx',
  'apache.conf': 'apache',
  'haproxy.cfg': 'haproxy',
  Caddyfile: 'caddyfile',
}
const recipes = readdirSync(`${root}test/recipes`).filter((name) => !/\.test\.ts$|^proxies\.ts$/.test(name))

test.each(recipes)('the recipe %s is one text: what stands on a page is what is run', (name) => {
  const language = LANGUAGES[name] ?? name.split('.').pop()
  const code = readFileSync(`${root}test/recipes/${name}`, 'utf8')
  expect(everything).toContain(`\`\`\`${language}\n${code}\`\`\`\n`)
})

describe('pages', () => {
  test('no page has more than 300 lines', () => {
    for (const page of pages) expect(textOf(page).split('\n').length, page).toBeLessThanOrEqual(301)
  })

  test('the README names every guide, and every guide begins with its title', () => {
    for (const page of pages.slice(1)) {
      expect(linksOf(readme).map((link) => link.split('#')[0])).toContain(page)
      expect(textOf(page), page).toMatch(/^# \S/)
    }
  })

  test('every link of a page goes to a file that is there, and to a heading in it', () => {
    const dead = pages.flatMap((page) =>
      linksOf(textOf(page))
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [path = '', anchor] = link.split('#')
          const target = path === '' ? page : join(dirname(page), path)
          if (!existsSync(root + target)) return true
          if (anchor === undefined || !statSync(root + target).isFile()) return false
          return !anchorsOf(textOf(target)).includes(anchor)
        })
        .map((link) => `${page}: ${link}`),
    )
    expect(dead).toEqual([])
  })
})
