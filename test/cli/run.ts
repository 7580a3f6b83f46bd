import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface Run {
  child: ChildProcessWithoutNullStreams
  out(): string
  err(): string
  /** Resolves as soon as standard output (or error) contains the text. */
  sees(text: string, where?: 'stdout' | 'stderr'): Promise<void>
  /** The exit code; killed by a signal: its name. */
  done: Promise<number | NodeJS.Signals | null>
}

/** The environment without what the machine says about proxies and colours. */
const plain = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/_proxy$|^(NO|FORCE)_COLOR$/i.test(name)),
)

/** Starts the program as a process of its own, with pipes. */
export const run = (...args: string[]): Run => runIn({}, ...args)

/** The same with more in its environment. */
export function runIn(env: Record<string, string>, ...args: string[]): Run {
  return watch(spawn(process.execPath, [program, ...args], { env: { ...plain, ...env } }))
}

/** The same with its standard output sent to a file. */
export function runInto(file: string, ...args: string[]): Run {
  const words = ['-c', 'exec "$0" "$@" >"$FILE"', process.execPath, program, ...args]
  return watch(spawn('/bin/sh', words, { env: { ...plain, FILE: file } }))
}

function watch(child: ChildProcessWithoutNullStreams): Run {
  const text = { stdout: '', stderr: '' }
  for (const where of ['stdout', 'stderr'] as const)
    child[where].setEncoding('utf8').on('data', (chunk: string) => {
      text[where] += chunk
    })
  return {
    child,
    out: () => text.stdout,
    err: () => text.stderr,
    async sees(wanted, where = 'stdout') {
      while (!text[where].includes(wanted)) await once(child[where], 'data')
    },
    done: once(child, 'close').then(([code, signal]) => code ?? signal),
  }
}
