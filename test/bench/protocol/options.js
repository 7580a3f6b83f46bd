/** The words of the command line, made into what the benchmarks need. */
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const cache = fileURLToPath(new URL('../../../node_modules/.cache/bench/', import.meta.url))

/** A filter for names out of a list of parts of names; without a list everything passes. */
export function choose(list) {
  const parts = list?.split(',').map((part) => part.trim())
  return (name) => !parts || parts.some((part) => name.includes(part))
}

/** Imports a module of ours that is not the package's build; TypeScript is made into one file first, for any Node. */
export async function loadSource(path) {
  if (!path) return undefined
  if (!/\.tsx?$/.test(path)) return import(pathToFileURL(path).href)
  const { build } = await import('esbuild')
  const outfile = `${cache}${process.pid}.mjs`
  mkdirSync(cache, { recursive: true })
  await build({ entryPoints: [path], outfile, bundle: true, format: 'esm', target: 'es2022', platform: 'neutral' })
  try {
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(outfile)
  }
}
