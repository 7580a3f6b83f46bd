import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import type { Scenario } from './faults.ts'
import type { PeerName } from './peers.ts'
import type { Judged } from './run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Builds the soak once and gives what runs it in a process of its own: memory, timers and rejections are then the run's alone. */
export async function buildSoak(): Promise<(options: Soak) => Promise<Judged>> {
  const outDir = join(ROOT, 'node_modules/.cache/chaos-test')
  await build({
    entry: [join(ROOT, 'test/chaos/soak.ts')],
    outDir,
    config: false,
    dts: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    silent: true,
  })
  return (options) => soak(join(outDir, 'soak.js'), options)
}

export interface Soak {
  peer: PeerName
  scenario: Scenario
  cuts: number
  seed: number
  clients?: number
  patience?: number
}

function soak(script: string, options: Soak): Promise<Judged> {
  const given = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(process.execPath, ['--expose-gc', script, '--json', ...given])
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      try {
        resolve(JSON.parse(output) as Judged)
      } catch {
        reject(new Error(`the run ended with ${code} and no outcome:\n${errors}\n${output}`))
      }
    })
  })
}
