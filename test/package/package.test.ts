import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quickStart, runQuickStart } from '../docs/quick-start.ts'
import { root } from '../docs/snippets.ts'

/** The tarball may not grow beyond this without somebody noticing, in bytes. It holds every module thrice; see build.js. */
const TARBALL_BUDGET = 340_000

let folder: string
let tarball: string
let files: string[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unmissed-package-'))
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    }),
  )
  tarball = join(folder, packed.filename)
  files = packed.files.map(({ path }: { path: string }) => path)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An empty project of a user, with the tarball installed. */
function install(name: string, command: string, ...args: string[]): string {
  const project = join(folder, name)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}')
  execFileSync(command, [...args, tarball], { cwd: project, stdio: 'pipe' })
  return project
}

test('the tarball holds what is needed and nothing else', () => {
  expect(
    files.filter((path) => !/^(dist\/.+\.(js|cjs|d\.ts|d\.cts)|package\.json|README\.md|LICENSE)$/.test(path)),
  ).toEqual([])
  expect(files).toContain('dist/index.js')
})

test('the tarball keeps its budget', () => {
  expect(statSync(tarball).size).toBeLessThan(TARBALL_BUDGET)
})

test('the quick start has a server and a client', () => {
  expect(Object.keys(quickStart()).sort()).toEqual(['client.js', 'server.js'])
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
