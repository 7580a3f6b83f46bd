import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runQuickStart } from '../docs/quick-start.ts'
import { filesOf, root } from '../docs/snippets.ts'
import { engine } from '../engines.js'
import { type Packed, pack, unpack } from './packed.ts'

/** The tarball may not grow beyond this without somebody noticing, in bytes. It holds every module thrice; see build.js. */
const TARBALL_BUDGET = 500_000

let packed: Packed
beforeAll(() => {
  packed = pack()
})
afterAll(() => packed.remove())

/** An empty project of a user, with the tarball installed. */
function install(name: string, command: string, ...args: string[]): string {
  const project = join(packed.folder, name)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}')
  execFileSync(command, [...args, packed.tarball], { cwd: project, stdio: 'pipe' })
  return project
}

test('the tarball holds what is needed and nothing else', () => {
  expect(
    packed.files.filter((path) => !/^(dist\/.+\.(js|cjs|d\.ts|d\.cts)|package\.json|README\.md|LICENSE)$/.test(path)),
  ).toEqual([])
  expect(packed.files).toContain('dist/index.js')
})

test('the tarball keeps its budget', () => {
  expect(statSync(packed.tarball).size).toBeLessThan(TARBALL_BUDGET)
})

test('the quick start has a server and a client', () => {
  expect(Object.keys(filesOf('README.md')).sort()).toEqual(['client.js', 'server.js'])
})

test.each([
  ['npm', 'npm', ['install', '--offline', '--no-audit', '--no-fund']],
  ['pnpm', join(root, 'node_modules/.bin/pnpm'), ['add', '--offline']],
])(
  'installed with %s into an empty project, the quick start runs, also through a restart of its server',
  async (name, command, args) => {
    const project = install(name, command, ...args)
    const { before, after } = await runQuickStart(project)
    for (const line of [...before, ...after]) expect(line).toMatch(/^\w+\.\d+ \d{13}$/)
    // The log was in the server's memory: a new one has another epoch.
    expect(after[0]?.split('.')[0]).not.toBe(before[0]?.split('.')[0])
    const help = execFileSync(join(project, 'node_modules/.bin/unmissed'), ['--help'], { encoding: 'utf8' })
    expect(help).toContain('unmissed <url>')
  },
)

describe.each(['node-20', 'node-22', 'node-24', 'node-26'] as const)('CommonJS on %s', (node) => {
  const run = (folder: string, code: string) =>
    execFileSync(engine(node), ['--input-type=commonjs', '-e', code], { cwd: folder, encoding: 'utf8' }).trim()

  test('requires every entry, and gets the very module that import gets', () => {
    const project = join(packed.folder, `common-${node}`)
    mkdirSync(project)
    unpack(packed, project)
    for (const name of ['react', 'vue', 'svelte', 'solid-js'])
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
    const names = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
    const entries = names.filter((name) => !name.endsWith('.json')).map((name) => name.replace('.', 'unmissed'))
    const code = `const { deepStrictEqual } = require('assert')
      Promise.all(${JSON.stringify(entries)}.map(async (name) => {
        const all = require(name)
        for (const [key, value] of Object.entries(await import(name))) if (key !== 'module.exports') deepStrictEqual(all[key] === value, true, name + key)
      })).then(() => console.log(Object.keys(require('unmissed')).length > 5))`
    expect(run(project, code)).toBe('true')
  })
})
