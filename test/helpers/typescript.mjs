// Lets `node --import ./test/helpers/typescript.mjs file.ts` run on every Node that the package supports: from 22.18 on
// Node strips types by itself, before that the compiler that is installed anyway does it.
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

if (isMainThread && !process.features.typescript) register(import.meta.url)

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !/\.tsx?$/.test(url)) return next(url, context)
  const { default: typescript } = await import('typescript')
  const source = await readFile(fileURLToPath(url), 'utf8')
  const { outputText } = typescript.transpileModule(source, {
    fileName: fileURLToPath(url),
    compilerOptions: { target: 'ES2022', module: 'ESNext', verbatimModuleSyntax: true, inlineSourceMap: true },
  })
  return { format: 'module', source: outputText, shortCircuit: true }
}
