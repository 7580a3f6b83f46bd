import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { CHROMIUM } from '../browsers/chromium.ts'
import { freePort, untilAnswers } from '../helpers/listen.ts'
import { filesOf } from './snippets.ts'

/** Of it "From nothing, in a Vite app". */
const PAGE = 'src/server/runs/recipes.md'

/** What came of it, in a real browser that was reloaded in the middle of the answer. */
export interface FirstHour {
  /** What the page showed before it was reloaded, and at the end. */
  readonly before: string
  readonly shown: string
  /** How the page asked, each time. */
  readonly asked: readonly string[]
  readonly mistakes: readonly string[]
}

/** Follows the guide in a folder that `npm create vite` has made, in which both packages are installed. */
export async function firstHour(folder: string): Promise<FirstHour> {
  const [server, vite] = [await freePort(), await freePort()]
  for (const [name, code] of Object.entries(filesOf(PAGE))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), code.replaceAll('3000', `${server}`))
  }
  const children: ChildProcess[] = []
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' })
    children.push(child)
  }
  start('server.js')
  start('node_modules/vite/bin/vite.js', '--port', `${vite}`, '--strictPort', '--host', '127.0.0.1')
  const browser = await chromium.launch(CHROMIUM())
  try {
    for (const port of [server, vite]) await untilAnswers(`http://127.0.0.1:${port}/`)
    const page = await browser.newPage()
    const asked: string[] = []
    const mistakes: string[] = []
    page.on('request', (request) => {
      if (new URL(request.url()).pathname.startsWith('/chat')) asked.push(request.method())
    })
    page.on('pageerror', (error) => mistakes.push(error.message))
    const text = () => page.evaluate<string>('document.body.innerText')
    await page.goto(`http://127.0.0.1:${vite}/`)
    await page.getByText('token 10').waitFor()
    const before = await text()
    await page.reload()
    await page.getByText('token 50').waitFor()
    return { before, shown: await text(), asked, mistakes }
  } finally {
    await browser.close()
    for (const child of children) child.kill()
    await Promise.all(children.map((child) => child.exitCode === null && once(child, 'exit')))
  }
}
