import { readdirSync, readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { createLogger, build as viteBuild } from 'vite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { root } from '../docs/snippets.ts'

const built = (name: string) => readFileSync(`${root}dist/${name}.js`, 'utf8')

test('what components of a server import of the hook for React says that it is for clients, before anything else', () => {
  for (const name of ['react/boundary', 'production/react/boundary'])
    expect(built(name)).toMatch(/^["']use client["'];?\n/)
})

test('it has all that the hook’s own entry has', async () => {
  const [own, boundary] = await Promise.all(['react', 'react/boundary'].map((name) => import(`${root}dist/${name}.js`)))
  expect(boundary).toEqual(own)
})

test.each(['react', 'vue', 'svelte', 'solid', 'index'])('the built %s says nothing of the kind', (name) => {
  expect(built(name)).not.toContain('use client')
})

test.each(['react', 'vue', 'svelte/reactivity', 'solid-js'])('what is built leaves %s to its user', (framework) => {
  const files = readdirSync(`${root}dist`).filter((path) => /\.js$/.test(path))
  const imported = new RegExp(`from ["']${framework}["']`)
  expect([...files, 'svelte/runes.js'].some((path) => imported.test(built(path.slice(0, -3))))).toBe(true)
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
    external: ['react', 'vue', 'svelte', 'solid-js'],
  })
  expect(warnings).toEqual([])
})

test('what is built for production checks no options of clients, and all else does', () => {
  const all = (folder: string) =>
    readdirSync(`${root}dist/${folder}`, { withFileTypes: true })
      .filter((file) => file.isFile() && /\.c?js$/.test(file.name))
      .map((file) => readFileSync(`${root}dist/${folder}/${file.name}`, 'utf8'))
      .join('')
  const ours = ['connection.on(listener)', 'what only the fetch of a runtime knows goes into fetchOptions']
  for (const text of ours) {
    expect(all('production')).not.toContain(text)
    expect(all('')).toContain(text)
    expect(all('cjs')).toContain(text)
  }
  // The server's stay: nobody downloads them.
  expect(all('production')).toContain('did you mean')
})

test('esbuild takes what is built for production where it is told so', async () => {
  const bundle = async (conditions: string[]) => {
    const { outputFiles } = await build({
      stdin: { contents: "import { connect } from 'unmissed'\nconsole.log(connect)", resolveDir: root },
      bundle: true,
      write: false,
      format: 'esm',
      conditions,
      // The repository's own would lead to the source.
      tsconfigRaw: {},
    })
    return outputFiles[0]?.text ?? ''
  }
  expect(await bundle([])).toContain('connection.on(listener)')
  expect(await bundle(['production'])).not.toContain('connection.on(listener)')
})

test('Vite bundles every entry for production, without a warning and without those checks', async () => {
  const warnings: string[] = []
  // As the command line of Vite has it; from here it would take the tests' own.
  vi.stubEnv('NODE_ENV', 'production')
  onTestFinished(() => void vi.unstubAllEnvs())
  const logger = { ...createLogger(), warn: (text: string) => void warnings.push(text), info: () => {} }
  const names = Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).exports).filter(
    (name) => !name.endsWith('.json'),
  )
  const code = names.map((name, at) => `import * as e${at} from '${name.replace('.', 'unmissed')}'`).join('\n')
  const result = (await viteBuild({
    root,
    configFile: false,
    logLevel: 'warn',
    customLogger: logger,
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'virtual:all' ? `${root}test/all.js` : undefined),
        load: (id) =>
          id === `${root}test/all.js` ? `${code}\nconsole.log(${names.map((_, at) => `e${at}`)})` : undefined,
      },
    ],
    build: { write: false, rollupOptions: { input: 'virtual:all', external: ['react', 'vue', /^svelte/, 'solid-js'] } },
  })) as { output: { code?: string }[] }
  expect(warnings).toEqual([])
  const built = result.output.map(({ code = '' }) => code).join('')
  expect(built).toContain('invalid-option')
  expect(built).not.toContain('connection.on(listener)')
})
