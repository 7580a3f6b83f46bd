import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('build.ts', import.meta.url))
const typescript = new URL('../../test/helpers/typescript.mjs', import.meta.url).href

/** Builds the documentation in a process of its own, so that nobody waits for it who does not look at it. */
export async function docsInBackground(folder: string): Promise<void> {
  const env = { ...process.env, UNMISSED_DEMO: '/' }
  const child = spawn(process.execPath, ['--import', typescript, script, folder], { env, stdio: 'pipe' })
  process.once('exit', () => child.kill())
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      said += text
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the documentation could not be built:\n${said}`)
}
