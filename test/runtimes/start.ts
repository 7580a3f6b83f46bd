import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from '../browsers/browser.ts'
import { type EngineName, engine } from '../engines.js'

/** What became of one test of the list. */
export interface Result {
  readonly capability: string
  readonly name: string
  readonly ms: number
  readonly error?: string
}

/** One runtime's answer to the whole list. */
export interface Report {
  readonly version: string
  readonly results: readonly Result[]
}

interface Server {
  readonly url: string
  report<Value>(name: string): Promise<Value>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const list = fileURLToPath(new URL('run.js', import.meta.url))

/** Runs the list with a runtime that is a command. */
export async function runCommand(name: EngineName, server: Server): Promise<Report> {
  const [command, options] = [engine(name), name === 'deno' ? ['run', '--allow-all', '--no-lock'] : []]
  const version = (await output(command, ['--version'])).match(/\d+\.\d+\.\d+/)?.[0] ?? ''
  const reported = server.report<Result[]>('main')
  const child = spawn(command, [...options, list, server.url], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let noise = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (noise += data))
  const died = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} ended with ${signal ?? code} before it reported:\n${noise}`)
  })
  const results = await Promise.race([reported, died])
  // Nothing is left that keeps the process alive – and if something is, this does not return and the test tells.
  if (child.exitCode === null) await once(child, 'exit')
  died.catch(() => {})
  if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode} after its report:\n${noise}`)
  return { version, results }
}

/** Runs the list with workerd: the server answers one request with the report. */
export async function runWorkerd(server: Server): Promise<Report> {
  const command = engine('workerd')
  const folder = await mkdtemp(join(tmpdir(), 'unmissed-workerd-'))
  const config = join(folder, 'config.capnp')
  await writeFile(config, await workerdConfig())
  const child = spawn(command, ['serve', '--experimental', '--control-fd=3', config], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  try {
    let noise = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (noise += data))
    const died = once(child, 'exit').then(([code]) => {
      throw new Error(`workerd ended with ${code}:\n${noise}`)
    })
    died.catch(() => {})
    // The control channel tells which port the system chose.
    const port = new Promise<number>((resolve) => {
      let told = ''
      child.stdio[3]?.on('data', (data) => {
        told += data
        const found = told.match(/"event":"listen".*"port":(\d+)/)?.[1]
        if (found) resolve(Number(found))
      })
    })
    const address = `http://127.0.0.1:${await Promise.race([port, died])}/?base=${encodeURIComponent(server.url)}`
    const response = await Promise.race([fetch(address), died])
    if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}\n${noise}`)
    const results = (await response.json()) as Result[]
    return { version: (await output(command, ['--version'])).replace('workerd', '').trim(), results }
  } finally {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await rm(folder, { recursive: true })
  }
}

async function workerdConfig() {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const modules = new Map<string, string>()
  for (const file of await readdir(join(root, 'test/runtimes')))
    if (file.endsWith('.js')) modules.set(`test/${file}`, await readFile(join(root, 'test/runtimes', file), 'utf8'))
  for (const file of await readdir(join(root, 'dist'), { recursive: true }))
    if (file.endsWith('.js')) modules.set(`dist/${file}`, await readFile(join(root, 'dist', file), 'utf8'))
  // The package's own name, as a bundler would resolve it.
  for (const [path, target] of Object.entries<{ default?: { default: string } }>(exports))
    if (target.default)
      modules.set(`test/${path.replace('.', 'unmissed')}`, `export * from '/${target.default.default.slice(2)}'`)
  const first = 'test/worker.js'
  const names = [first, ...[...modules.keys()].filter((name) => name !== first)]
  const entries = names.map(
    (name) => `(name = ${JSON.stringify(name)}, esModule = ${JSON.stringify(modules.get(name))})`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  modules = [
    ${entries.join(',\n    ')}
  ],
);
`
}

function output(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.on('data', (data) => (text += data))
    child.on('error', reject)
    child.on('close', () => resolve(text))
  })
}

/** The places in a browser where scripts run. */
export const SCOPES = ['window', 'dedicated-worker', 'shared-worker', 'service-worker'] as const

/** Has a page of its own do what `scope` names (see page.js), and resolves with what it reports. */
export async function runPage<Value>(browser: Browser, scope: string, server: Server): Promise<Value> {
  const reported = server.report<Value | { error: string }>(scope)
  const page = await browser.open(`${server.url}/page?scope=${scope}`)
  try {
    const value = await reported
    if (typeof value === 'object' && value !== null && 'error' in value) throw new Error(`${scope}: ${value.error}`)
    return value as Value
  } finally {
    await page.close()
  }
}
