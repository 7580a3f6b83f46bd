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

/** Starts the program as a process of its own, with pipes. */
export function run(...args: string[]): Run {
  const child = spawn(process.execPath, [program, ...args])
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
