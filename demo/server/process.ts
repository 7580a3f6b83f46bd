import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// What runs in a process of its own is TypeScript, too.
const execArgv = ['--import', new URL('../../test/helpers/typescript.mjs', import.meta.url).href]

/** A program of this folder in a process of its own, so that it can be killed. */
export function startProgram(name: string, args: readonly unknown[] = [], env = process.env): ChildProcess {
  return fork(fileURLToPath(new URL(name, import.meta.url)), args.map(String), { execArgv, env })
}

/** A server in a process of its own, as far as it has told of itself. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** Where it listens; 0 while it does not. */
  port: number
  /** Resolves when it listens. */
  readonly ready: Promise<void>
}

/** Whatever the process tells becomes part of what is returned: its port at first. */
export function startServer(name: string, args: readonly unknown[], env?: NodeJS.ProcessEnv): ServerProcess {
  const child = startProgram(name, args, env)
  const ready = new Promise<void>((resolve) =>
    child.on('message', (message) => {
      Object.assign(server, message)
      if (server.port) resolve()
    }),
  )
  const server: ServerProcess = { child, port: 0, ready }
  child.once('exit', () => {
    server.port = 0
  })
  return server
}
