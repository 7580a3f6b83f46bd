import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engine } from '../engines.js'
import { freePort } from '../helpers/listen.ts'
import type { Browser } from './browser.ts'

/** WebKitGTK's MiniBrowser over WebDriver, in a screen of its own, because it has no headless mode. */
export async function launch(): Promise<Browser> {
  const home = await mkdtemp(join(tmpdir(), 'unmissed-webkit-'))
  const port = await freePort()
  const driver = spawn(engine('webkit', 'xvfb-run'), ['-a', engine('webkit'), '--host=127.0.0.1', `--port=${port}`], {
    // xvfb-run is a shell script with two children: as a group they can be ended together.
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, HOME: home, TMPDIR: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
  })
  const exited = once(driver, 'exit')
  const stop = async () => {
    if (driver.exitCode === null) process.kill(-(driver.pid as number))
    await exited
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const session = await startSession(`http://127.0.0.1:${port}`, driver)
    return await browserOf(session, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

type Send = <Value>(method: string, path: string, body?: unknown) => Promise<Value>
interface Session {
  readonly version: string
  readonly send: Send
}

async function browserOf({ version, send }: Session, stop: () => Promise<void>): Promise<Browser> {
  // The first window stays, because a new one can only be asked for in one that is there.
  const first = await send<string>('GET', '/window')
  // WebDriver speaks to one window at a time, so all that pages do stands in one line.
  let turn: Promise<unknown> = Promise.resolve()
  const inWindow = <Value>(handle: string, work: () => Promise<Value>): Promise<Value> => {
    const result = turn.then(() => send('POST', '/window', { handle })).then(work)
    turn = result.catch(() => {})
    return result
  }
  return {
    version,
    async open(url) {
      const { handle } = await inWindow(first, () => send<{ handle: string }>('POST', '/window/new', { type: 'tab' }))
      const page = {
        evaluate: <Value>(expression: string) =>
          inWindow(handle, () => send<Value>('POST', '/execute/sync', { script: `return ${expression}`, args: [] })),
        goto: (url: string) => inWindow(handle, () => send<void>('POST', '/url', { url })),
        close: () => inWindow(handle, () => send<void>('DELETE', '/window')),
      }
      await page.goto(url)
      return page
    },
    async close() {
      await send('DELETE', '').catch(() => {})
      await stop()
    },
  }
}

async function startSession(base: string, driver: ChildProcess): Promise<Session> {
  const send: Send = async <Value>(method: string, path: string, body?: unknown) => {
    const response = await fetch(base + path, { method, body: body === undefined ? null : JSON.stringify(body) })
    const { value } = (await response.json()) as { value: unknown }
    if (!response.ok) throw new Error(`WebDriver ${method} ${path}: ${JSON.stringify(value)}`)
    return value as Value
  }
  for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 30))) {
    if (driver.exitCode !== null)
      throw new Error(`WebKitWebDriver ended with code ${driver.exitCode} before it answered`)
    if (await send('GET', '/status').catch(() => false)) break
    if (Date.now() > end) throw new Error('WebKitWebDriver did not answer within 20 s')
  }
  const options = { binary: engine('webkit', 'MiniBrowser'), args: ['--automation'] }
  const session = await send<{ sessionId: string; capabilities: { browserVersion: string } }>('POST', '/session', {
    capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } },
  })
  return {
    version: session.capabilities.browserVersion,
    send: (method, path, body) =>
      send(method, `/session/${session.sessionId}${path}`, method === 'POST' ? (body ?? {}) : undefined),
  }
}
