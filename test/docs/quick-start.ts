import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../helpers/listen.ts'
import { filesOf } from './snippets.ts'

/**
 * Runs the quick start in a folder that can import the package: starts both, kills the server and starts it again.
 * Resolves to what the client printed before and after.
 */
export async function runQuickStart(folder: string): Promise<{ before: string[]; after: string[] }> {
  const port = await freePort()
  for (const [name, code] of Object.entries(filesOf('README.md')))
    writeFileSync(join(folder, name), code.replaceAll('3000', `${port}`))
  const children: ChildProcess[] = []
  const start = (name: string) => {
    const child = spawn(process.execPath, [name], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }
  try {
    const server = start('server.js')
    const client = start('client.js')
    const lines: string[] = []
    client.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')))
    const printed = async (count: number) => {
      while (lines.length < count) await once(client.stdout as never, 'data')
      return lines.splice(0)
    }
    const before = await printed(2)
    server.kill('SIGKILL')
    await once(server, 'close')
    start('server.js')
    return { before, after: await printed(2) }
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}
