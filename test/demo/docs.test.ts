import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { docsInBackground } from '../../demo/docs/background.ts'
import { nameOf } from '../../demo/docs/build.ts'
import { startFront } from '../../demo/server/front.ts'
import { CHROMIUM } from '../browsers/chromium.ts'
import { pages } from '../docs/pages.js'
import { snippets } from '../docs/snippets.ts'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const names = [...pages, 'src/reference.md'].map(nameOf)

let site: string
let front: Awaited<ReturnType<typeof startFront>>
let browser: Browser

beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), 'unmissed-docs-'))
  const docs = docsInBackground(site).then(() => site)
  front = await startFront({ folder: site, docs, twins: false })
  browser = await chromium.launch(CHROMIUM())
  await docs
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await front?.close()
  rmSync(site, { recursive: true, force: true })
})

/** A page of the documentation, seen for the first time; the test fails at the first mistake of its script. */
async function visit(name: string, colorScheme: 'light' | 'dark' = 'light', width = 1300) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
  const page = await context.newPage()
  const mistakes: string[] = []
  page.on('pageerror', (error) => mistakes.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) mistakes.push(message.text())
  })
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  let transferred = 0
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    transferred += encodedDataLength
  })
  await page.goto(`${front.url}/docs/${name}.html`, { waitUntil: 'load' })
  return {
    page,
    mistakes,
    asked,
    transferred: () => transferred,
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}

const shiftOf = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0
        new PerformanceObserver((list) => {
          // biome-ignore lint/suspicious/noExplicitAny: the library of types does not know what shifts
          for (const entry of list.getEntries() as any[]) sum += entry.value
        }).observe({ type: 'layout-shift', buffered: true })
        setTimeout(() => resolve(sum), 200)
      }),
  )

async function violationsOf(page: Page): Promise<unknown[]> {
  await page.addScriptTag({ path: axe })
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe puts itself into the page
    const { violations } = await (globalThis as any).axe.run()
    return violations.map(({ id, nodes }: { id: string; nodes: { html: string }[] }) => [id, nodes[0]?.html])
  })
}

test.each(names)(
  '%s: at most 150 kB, nothing moves, nothing is asked of anybody else, axe finds nothing',
  async (name) => {
    await using visitor = await visit(name)
    expect(await shiftOf(visitor.page)).toBe(0)
    expect(visitor.transferred()).toBeLessThan(150_000)
    expect(visitor.asked.filter((url) => !url.startsWith(front.url))).toEqual([])
    expect(await violationsOf(visitor.page)).toEqual([])
    expect(visitor.mistakes).toEqual([])
  },
)

test.concurrent.each(['index', 'client', 'react', 'operations'])(
  'axe finds nothing on %s in the dark',
  async (name) => {
    await using visitor = await visit(name, 'dark')
    expect(await violationsOf(visitor.page)).toEqual([])
  },
)

test.each([360, 768])('nothing but code and tables is wider than a screen of %i', async (width) => {
  for (const name of ['index', 'client', 'promises']) {
    await using visitor = await visit(name, 'light', width)
    expect(await visitor.page.evaluate(() => document.documentElement.scrollWidth), name).toBe(width)
  }
})

test.each(['protocol', 'testing'])(
  'what the snippets of %s say comes out, comes out where they are run',
  async (name) => {
    await using visitor = await visit(name)
    const said = snippets(pages.find((page) => nameOf(page) === name) as string, '<!-- run -->\n')
    expect(said.length).toBeGreaterThan(0)
    for (const [at, { code }] of said.entries()) {
      const playground = visitor.page.locator('.playground').nth(at)
      await playground.getByText('Change it').click()
      await playground.getByRole('button', { name: 'Run' }).click()
      const promised = [...code.matchAll(/\/\/=> (.+)$/gm)].map(([, value]) => value)
      await expect.poll(() => playground.getByRole('status').textContent()).toBe(`${promised.join('\n')}\n`)
    }
    expect(visitor.mistakes).toEqual([])
    expect(await violationsOf(visitor.page)).toEqual([])
  },
)

test('a mistake in a playground is shown in it', async () => {
  await using visitor = await visit('protocol')
  const playground = visitor.page.locator('.playground').first()
  await playground.getByText('Change it').click()
  for (const [code, says] of [
    ['nobody()', 'ReferenceError: nobody is not defined'],
    ["import { x } from 'elsewhere'", 'Error: only unmissed and unmissed/testing can be imported here'],
  ] as const) {
    await playground.getByRole('textbox').fill(code)
    await playground.getByRole('button', { name: 'Run' }).click()
    await expect.poll(() => playground.getByRole('status').textContent()).toBe(`${says}\n`)
  }
})

test('the search finds a word of a guide, and leads there', async () => {
  await using visitor = await visit('index')
  const { page } = visitor
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('searchbox').fill('MaxRequestWorkers')
  await page.getByRole('option').first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/docs\/operations\.html#apache$/)
  await page.getByText('raise MaxRequestWorkers').waitFor()
})

test('each page has its Markdown beside it, and llms.txt names it', () => {
  const list = readFileSync(join(site, 'llms.txt'), 'utf8')
  for (const name of names) {
    expect(readFileSync(join(site, `${name}.md`), 'utf8')).toMatch(/^# /)
    if (name !== 'index') expect(list).toContain(`](./${name}.md)`)
  }
  for (const [, path = ''] of list.matchAll(/\]\(([^)]+)\)/g)) expect(existsSync(join(site, path)), path).toBe(true)
})

test('the documentation is at /docs and below', async () => {
  const moved = await fetch(`${front.url}/docs`, { redirect: 'manual' })
  expect([moved.status, moved.headers.get('location')]).toEqual([301, '/docs/'])
  const markdown = await fetch(`${front.url}/docs/client.md`)
  expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
  expect((await fetch(`${front.url}/docs/none.html`)).status).toBe(404)
})
