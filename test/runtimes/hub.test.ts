import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type EngineName, engine, wantedEngines } from '../engines.js'

const run = promisify(execFile)
const script = fileURLToPath(new URL('hub.js', import.meta.url))
const names: EngineName[] = ['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'deno']
const runtimes = names.filter((name) => wantedEngines().includes(name))

test.each(runtimes)('%s serves readers that resume all that they missed', async (name) => {
  const args = name === 'deno' ? ['run', '--allow-all', script] : [script]
  const { stdout } = await run(engine(name), args, { timeout: 60_000 })
  expect(stdout).toBe('whole\n')
})
