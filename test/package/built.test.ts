import { readdirSync, readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { root } from '../docs/snippets.ts'

const built = (name: string) => readFileSync(`${root}dist/${name}.js`, 'utf8')

test('the built hook of React still says that it is for clients, before anything else', () => {
  expect(built('react')).toMatch(/^["']use client["'];?\n/)
})

test.each(['vue', 'svelte', 'index'])('the built %s says nothing of the kind', (name) => {
  expect(built(name)).not.toContain('use client')
})

test.each([
  ['react', 'react'],
  ['vue', 'vue'],
  ['svelte/runes', 'svelte/reactivity'],
])('the built %s leaves %s to its user', (name, framework) => {
  expect(built(name)).toMatch(new RegExp(`from ["']${framework}["']`))
})

test('no built file is loaded for nothing', () => {
  const files = readdirSync(`${root}dist`, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'))
  expect(files.filter((path) => /^import ["']/m.test(built(path.slice(0, -3))))).toEqual([])
})

type Target = { require: { default: string }; default: { default: string; production: string } }

const entries = Object.values<string | Target>(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).exports).flatMap(
  (target) =>
    typeof target === 'string' ? [] : [target.default.default, target.default.production, target.require.default],
)

test.each(entries)('esbuild bundles %s without a warning', async (entry) => {
  const { warnings } = await build({
    stdin: { contents: `import * as all from '${entry}'\nconsole.log(all)`, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
    external: ['react', 'vue', 'svelte'],
  })
  expect(warnings).toEqual([])
})
