import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

// biome-ignore lint/suspicious/noExplicitAny: the arguments and answers of any method cross this border
type Methods = Record<string, (...args: any[]) => unknown>

/** A process of ours, seen as an object whose methods answer with promises. */
export interface Child<Served extends Methods> {
  readonly pid: number
  call<Name extends keyof Served & string>(
    name: Name,
    ...args: Parameters<Served[Name]>
  ): Promise<Awaited<ReturnType<Served[Name]>>>
  /** Ends the process and waits for its end; any number of times. */
  stop(): Promise<void>
}

const loader = new URL('./typescript.mjs', import.meta.url).href

export interface ChildOptions {
  args?: string[]
  /** How many files, sockets among them, it has to be able to open. Default: as many as we. */
  files?: number
}

/** Starts a TypeScript file that calls `serve`. It ends with `stop`, and with us at the latest. */
export async function startChild<Served extends Methods>(
  file: URL,
  { args = [], files }: ChildOptions = {},
): Promise<Child<Served>> {
  const execArgv = ['--import', loader, '--expose-gc']
  const child = files
    ? fork(fileURLToPath(file), args, {
        execPath: '/bin/sh',
        execArgv: ['-c', raise(files), process.execPath, ...execArgv],
      })
    : fork(fileURLToPath(file), args, { execArgv })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (reason: unknown) => void }>()
  let calls = 0
  let died: Error | undefined
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (message: { id?: number; value?: never; error?: string }) => {
      if (message.id === undefined) return resolve()
      const call = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.error === undefined) call?.resolve(message.value as never)
      else call?.reject(new Error(message.error))
    })
    child.once('exit', (code, signal) => {
      died = new Error(`${file.pathname} ended with ${signal ?? `code ${code}`}`)
      for (const { reject } of waiting.values()) reject(died)
      waiting.clear()
      reject(died)
    })
  })
  await ready
  return {
    pid: child.pid as number,
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (died) return reject(died)
        const id = calls++
        waiting.set(id, { resolve, reject })
        child.send({ id, name, args })
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

/** A process cannot raise its own limit, but a shell can, for what it becomes. */
const raise = (files: number) => `ulimit -n ${files} 2>/dev/null || {
  echo "this needs ${files} open files, and this shell allows $(ulimit -Hn): run ulimit -n ${files} as root before, or raise nofile in /etc/security/limits.conf" >&2
  exit 1
}
exec "$0" "$@"`

/** The other side: answers the calls of the process that started this one. */
export function serve(methods: Methods): void {
  process.on('message', async ({ id, name, args }: { id: number; name: string; args: unknown[] }) => {
    try {
      process.send?.({ id, value: await methods[name]?.(...args) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
    }
  })
  // Nobody is left to ask: a benchmark that was interrupted must not leave ten thousand sockets behind.
  process.on('disconnect', () => process.exit())
  process.send?.({})
}
