import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort, untilAnswers } from '../helpers/listen.ts'
import { type Packed, unpack, write } from '../package/packed.ts'

/** A folder with these packages of others, from the registry, and ours from the tarball. */
export function install(packed: Packed, name: string, packages: Record<string, string>): string {
  const folder = join(packed.folder, name)
  write(folder, { 'package.json': JSON.stringify({ private: true, dependencies: packages }) })
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${name} could not be installed: ${stderr}`)
  unpack(packed, folder)
  return folder
}

/** The same with these files. */
export function project(packed: Packed, name: string, packages: Record<string, string>, files: Record<string, string>) {
  const folder = install(packed, name, packages)
  for (const [path, text] of Object.entries(files))
    write(join(folder, dirname(path)), { [path.split('/').pop() ?? '']: text })
  return folder
}

/** What a command of a project says, all of it. Throws where it fails. */
export function run(folder: string, command: string, ...args: string[]): string {
  const env = { ...process.env, NODE_ENV: undefined, CI: '1', NEXT_TELEMETRY_DISABLED: '1' }
  const { status, stdout, stderr } = spawnSync(join(folder, 'node_modules/.bin', command), args, {
    cwd: folder,
    encoding: 'utf8',
    env: env as NodeJS.ProcessEnv,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}\n${stderr}`)
  return stdout + stderr
}

/** Starts a program in the folder of a project, for the length of one test. */
export function start(folder: string, [command, ...args]: readonly [string, ...string[]], env = {}): ChildProcess {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const left = new Promise((resolve) => child.once('exit', resolve))
  onTestFinished(async () => {
    child.kill()
    await left
  })
  return child
}

/** Starts a server of a project on a port of its own, told as `PORT`, and waits until it answers. */
export async function serve(
  folder: string,
  commandFor: (port: number) => readonly [string, ...string[]],
  env = {},
): Promise<string> {
  const port = await freePort()
  const child = start(folder, commandFor(port), { PORT: `${port}`, ...env })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (said += text))
  const url = `http://127.0.0.1:${port}/`
  await untilAnswers(url, () => said)
  return url
}
