#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parse } from './args.ts'
import { doctor } from './doctor/doctor.ts'
import { serve } from './serve.ts'
import { tail } from './tail.ts'
import { HELP, UsageError } from './usage.ts'
import { line } from './visible.ts'

async function main(): Promise<number> {
  const { values, positionals } = parse(process.argv.slice(2))
  const [first, ...more] = positionals
  if (values.version) {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (first === undefined) throw new UsageError('an address is missing; see unmissed --help')
  if (first === 'doctor' && more.length < 2) return doctor(more[0], values)
  if (more.length > 0) throw new UsageError(`one address is enough, and there is also ${more.join(' ')}`)
  return first === 'serve' ? serve(values) : tail(first, values)
}

// Whoever reads us may leave; who writes finds out by itself.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`unmissed: ${line(error.message)}\n`)
    process.exitCode = 2
  },
)
