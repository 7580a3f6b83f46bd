/**
 * Builds `dist`, three times from the same source:
 * - `dist/`: what Node, runtimes, and bundlers in development take. It checks the options that it is given.
 * - `dist/production/`: what bundlers take for production, by the condition of that name. The same without those checks.
 * - `dist/cjs/`: for those who can only `require` what is CommonJS, such as Jest. Node itself never takes it: there `require`
 *   gets the ES module (`module-sync`), so that one process has one class of each error, however it was asked for.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { tsup } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const { cli, ...entry } = tsup.entry
// What nobody imports by a name of its own has no types, and is no CommonJS.
const { 'react/boundary': boundary, ...named } = entry
const common = { ...tsup, config: false, silent: true, esbuildPlugins: [bare()] }
const again = { ...common, entry, dts: false, clean: false }

/** The modules alone, as fast as it goes; declarations and what is CommonJS stay as an earlier build left them. */
export async function buildModules() {
  await build({ ...common, dts: false, clean: false })
  await buildProduction()
  tidy()
}

// Not minified: what bundlers need to leave out what is not used would go with the comments, and 350 B of `accept` come.
const buildProduction = () => build({ ...again, outDir: 'dist/production', esbuildPlugins: [bare(), unchecked()] })

async function buildPackage() {
  await build({ ...common, dts: { entry: named } })
  await buildProduction()
  await build({ ...again, entry: named, outDir: 'dist/cjs', format: ['cjs'] })
  tidy()
  declareCommon()
}

/** Empties the functions of `trace.ts`, and of every `check-options.ts` but the server's: nobody's page pays for that one. */
function unchecked() {
  return {
    name: 'unchecked',
    setup({ onLoad }) {
      onLoad({ filter: /src\/(client|eventsource|share)\/(.+\/)?(check-options|trace)\.ts$/ }, ({ path }) => {
        const names = [...readFileSync(path, 'utf8').matchAll(/^export function (\w+)/gm)].map(([, name]) => name)
        return { contents: names.map((name) => `export function ${name}() {}`).join('\n') }
      })
    },
  }
}

/** What Redis is sent has no need of comments and indentation: 0.3 kB. */
function bare() {
  return {
    name: 'bare',
    setup({ onLoad }) {
      onLoad({ filter: /src\/redis\/lua\/.+\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8')
          .replace(/^ *--.*\n/gm, '')
          .replace(/^ +/gm, ''),
        loader: 'ts',
      }))
    },
  }
}

/**
 * Where code is split, esbuild leaves `import "./chunk-….js"` behind wherever a file is used for nothing but its effects. Ours
 * have none, so it is only loaded for nothing, and other bundlers warn of each line.
 */
function tidy() {
  for (const path of readdirSync(`${root}dist`, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.js')) continue
    const text = readFileSync(`${root}dist/${path}`, 'utf8')
    const tidied = text.replace(/^import "(\.\.?\/)+chunk-\w+\.js";\n/gm, '')
    if (tidied !== text) writeFileSync(`${root}dist/${path}`, tidied)
  }
}

/** The same declarations once more, as those of CommonJS: their name alone says which they are. */
function declareCommon() {
  for (const path of readdirSync(`${root}dist`, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.d.ts')) continue
    const text = readFileSync(`${root}dist/${path}`, 'utf8')
    const target = `${root}dist/cjs/${path.replace(/\.d\.ts$/, '.d.cts')}`
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text.replace(/(from|import) '(\.\.?\/[^']+)\.js'/g, "$1 '$2.cjs'"))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPackage()
