import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engine } from '../engines.js'
import { freePort } from '../helpers/listen.ts'

export interface RedisServer {
  readonly port: number
  /** Has it answer nobody, with all its connections open. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** A Redis of its own, on a free port, that keeps nothing on disk. */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-redis-'))
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const child: ChildProcess = spawn(engine('redis'), [...common, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const left = new Promise((resolve) => child.once('exit', resolve))
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (text) => {
      said += text
      if (said.includes('Ready to accept connections')) resolve()
    })
    void left.then(() => reject(new Error(`redis-server did not start: ${said}`)))
  })
  return {
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGKILL')
      await left
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
