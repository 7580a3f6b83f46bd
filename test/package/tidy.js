/**
 * Run after tsup: where code is split, esbuild leaves `import "./chunk-….js"` behind wherever a file is used for nothing but
 * its effects. Ours have none, so it is only loaded for nothing, and other bundlers warn of each line.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))
for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.js')) continue
  const text = readFileSync(dist + path, 'utf8')
  const tidy = text.replace(/^import "(\.\.?\/)+chunk-\w+\.js";\n/gm, '')
  if (tidy !== text) writeFileSync(dist + path, tidy)
}
