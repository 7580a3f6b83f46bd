import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engine } from '../engines.js'
import { freePort } from '../helpers/listen.ts'

export interface RedisServer {
  readonly port: number
  /** Has it answer nobody, with all its connections open. */
  freeze(): void
  thaw(): void
  /** Keeps a copy of what it has on disk now. */
  copy(): void
  /** Kills it and starts another on the same port: with what is on disk, or with the copy. */
  restart(from?: 'copy' | undefined, pause?: number): Promise<void>
  stop(): Promise<void>
}

/** A Redis that writes down each command before it answers. */
export const ON_DISK = ['--appendonly', 'yes', '--appendfsync', 'always']

/** A Redis of its own, on a free port, that keeps nothing on disk unless it is told to. */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-redis-'))
  const kept = mkdtempSync(join(tmpdir(), 'unmissed-redis-copy-'))
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const start = () => run([...common, ...args])
  let process = await start()
  const kill = async () => {
    process.child.kill('SIGKILL')
    await process.left
  }
  return {
    port,
    freeze: () => void process.child.kill('SIGSTOP'),
    thaw: () => void process.child.kill('SIGCONT'),
    copy() {
      rmSync(kept, { recursive: true, force: true })
      cpSync(folder, kept, { recursive: true })
    },
    async restart(from, pause = 0) {
      await kill()
      if (from === 'copy') {
        rmSync(folder, { recursive: true, force: true })
        cpSync(kept, folder, { recursive: true })
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
      process = await start()
    },
    async stop() {
      await kill()
      for (const one of [folder, kept]) rmSync(one, { recursive: true, force: true })
    },
  }
}

/** Starts a server, and waits until it serves. */
export async function run(args: string[], ready = 'Ready to accept connections') {
  const child: ChildProcess = spawn(engine('redis'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const left = new Promise((resolve) => child.once('exit', resolve))
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (text) => {
      said = (said + text).slice(-10_000)
      if (said.includes(ready)) resolve()
    })
    void left.then(() => reject(new Error(`redis-server did not start: ${said}`)))
  })
  return { child, left }
}
