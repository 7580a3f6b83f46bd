import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from '../../demo/build.ts'
import { startFront } from '../../demo/server/front.ts'
import { CHROMIUM } from '../browsers/chromium.ts'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let folder: string
let front: Awaited<ReturnType<typeof startFront>>
let browser: Browser

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'unmissed-demo-'))
  await buildPage(folder)
  front = await startFront({ folder })
  browser = await chromium.launch(CHROMIUM())
})
afterAll(async () => {
  await browser?.close()
  await front?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Row {
  sent: number
  received: number
  lost: number
  doubled: number
  behind: number
  state: string
}

/** A page of its own, with its own six connections, that fails the test at the first mistake of its script. */
async function visit(path = '', options: { colorScheme?: 'light' | 'dark'; width?: number; at?: string } = {}) {
  const { colorScheme = 'light', width = 1200, at = front.url } = options
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
  const page = await context.newPage()
  const mistakes: string[] = []
  page.on('pageerror', (error) => mistakes.push(error.message))
  page.on('console', (message) => {
    // That a request fails is what the buttons are for, and the browser says so by itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      mistakes.push(message.text())
  })
  await page.goto(`${at}/${path}`)
  return {
    page,
    mistakes,
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}

/** The same at a hub of its own: a flood is felt by every reader of its hub, and a fault by nobody while its page is away. */
async function visitAlone({ twins = false } = {}) {
  const own = await startFront({ folder, twins })
  const visitor = await visit('', { at: own.url })
  return {
    ...visitor,
    async [Symbol.asyncDispose]() {
      await visitor[Symbol.asyncDispose]()
      await own.close()
    },
  }
}

function row(page: Page, id: 'ours' | 'native'): Promise<Row> {
  return page.locator(`#${id}`).evaluate((element) => {
    const [sent, received, lost, doubled, behind, state] = [...element.querySelectorAll('td')].map(
      ({ textContent }) => textContent ?? '',
    )
    const number = (text = '') => Number(text.replaceAll(',', ''))
    return {
      sent: number(sent),
      received: number(received),
      lost: number(lost),
      doubled: number(doubled),
      behind: number(behind),
      state: state ?? '',
    }
  })
}

async function until<T>(look: () => Promise<T>, good: (seen: T) => boolean, within = 45_000): Promise<T> {
  for (const end = Date.now() + within; ; ) {
    const seen = await look()
    if (good(seen)) return seen
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** How often the connection was opened again: it may be back before anybody has looked. */
async function reopened(page: Page): Promise<number> {
  return Number(/opened (\d+) times/.exec((await page.locator('#detail').textContent()) ?? '')?.[1] ?? 1)
}

/** Presses a button, sees that it was felt (if not otherwise, by a new connection), and waits until our reader has all there is again. */
async function breaks(page: Page, fault: string, isFelt?: (row: Row) => boolean) {
  const before = await until(
    () => row(page, 'ours'),
    ({ state, received }) => state === 'open' && received > 2,
  )
  const opened = await reopened(page)
  await page.locator(`#fault-${fault}`).click()
  if (isFelt) await until(() => row(page, 'ours'), isFelt)
  else
    await until(
      () => reopened(page),
      (now) => now > opened,
    )
  return until(
    () => row(page, 'ours'),
    ({ state, behind, lost, received }) =>
      state === 'open' && behind === 0 && lost === 0 && received > before.received + 8,
  )
}

describe.concurrent('a button breaks the stream, and connect() misses nothing', () => {
  test.each(['drop', 'cut', 'stall', 'away', 'limit', 'slow'])('%s', async (fault) => {
    await using visitor = await visitAlone()
    expect(await breaks(visitor.page, fault)).toMatchObject({ lost: 0, doubled: 0 })
    expect(visitor.mistakes).toEqual([])
  })

  test('expire: a new token is asked for, while the plain EventSource gives up', async () => {
    await using visitor = await visitAlone()
    expect(await breaks(visitor.page, 'expire')).toMatchObject({ lost: 0, doubled: 0 })
    await until(
      () => row(visitor.page, 'native'),
      ({ state }) => state === 'gave up',
    )
    expect(visitor.mistakes).toEqual([])
  })

  test('flood: 5,000 events at once', async () => {
    await using visitor = await visitAlone()
    expect(await breaks(visitor.page, 'flood', ({ received }) => received > 5000)).toMatchObject({
      lost: 0,
      doubled: 0,
    })
    expect(visitor.mistakes).toEqual([])
  })

  test('garbage: rubbish between the events is ignored', async () => {
    await using visitor = await visitAlone()
    expect(await breaks(visitor.page, 'garbage', () => true)).toMatchObject({ lost: 0, doubled: 0, state: 'open' })
    expect(visitor.mistakes).toEqual([])
  })
})

test.concurrent('restart: the gap is told, and a snapshot makes it good', async () => {
  await using visitor = await visitAlone()
  const { page } = visitor
  expect(await breaks(page, 'restart')).toMatchObject({ lost: 0, doubled: 0 })
  expect(await page.locator('#told').textContent()).toMatch(/\d+ events were lost with the server's log/)
  expect(visitor.mistakes).toEqual([])
})

test.concurrent('one of two servers is killed: who read from it goes on at the other, without a gap', async () => {
  await using visitor = await visitAlone({ twins: true })
  const { page } = visitor
  const cells = (id: string) =>
    page.locator(`#${id} td`).evaluateAll((all) => all.map(({ textContent }) => textContent ?? ''))
  const hears = async () => (await cells('twins-ours'))[0] ?? ''
  const received = async () => Number((await cells('twins-ours'))[1]?.replaceAll(',', ''))
  for (let kill = 0; kill < 2; kill++) {
    await until(received, (count) => count > 20)
    await until(
      () => page.locator('.server[data-state=up]').count(),
      (count) => count === 2,
    )
    const [before, count] = [await hears(), await received()]
    await page.locator('#kill').click()
    await until(hears, (server) => server !== before && server !== '')
    await until(received, (now) => now > count + 40)
  }
  expect((await cells('twins-ours')).slice(2)).toEqual(['0', '0'])
  expect(Number((await cells('twins-by-hand'))[2])).toBeGreaterThan(0)
  expect(visitor.mistakes).toEqual([])
})

test.concurrent('the tour breaks the page in thirty seconds, says what is seen, and nothing is lost', async () => {
  await using visitor = await visitAlone({ twins: true })
  const { page } = visitor
  await until(
    () => page.locator('.server[data-state=up]').count(),
    (count) => count === 2,
  )
  const says = () => page.locator('#tour-says').textContent()
  const began = Date.now()
  await page.locator('#tour').click()
  const told = new Set<string | null>()
  await until(
    async () => {
      told.add(await says())
      return page.locator('#tour').isEnabled()
    },
    (isOver) => isOver,
  )
  expect(Date.now() - began).toBeGreaterThan(28_000)
  expect(told.size).toBe(7)
  expect(await says()).toMatch(/sent, 0 lost\. The plain EventSource: [\d,]+ missing, and it has given up/)
  expect(await page.locator('#hero-lost').textContent()).toBe('0')
  expect(visitor.mistakes).toEqual([])
})

test('without a Redis the page says what is missing, and the rest of it goes on', async () => {
  await using visitor = await visitAlone()
  await visitor.page.locator('#twins-missing').waitFor()
  expect(await visitor.page.locator('#kill').isVisible()).toBe(false)
  await until(
    () => row(visitor.page, 'ours'),
    ({ received }) => received > 2,
  )
  expect(visitor.mistakes).toEqual([])
})

test('the picture of the README moves, and is below 1 MB', async () => {
  const picture = readFileSync(new URL('../../demo/tour.png', import.meta.url))
  expect(picture.length).toBeLessThan(1_000_000)
  const page = await browser.newPage()
  await page.setContent(`<img src="data:image/png;base64,${picture.toString('base64')}">`)
  const seen = new Set<string>()
  for (let n = 0; n < 5; n++) {
    seen.add((await page.locator('img').screenshot()).toString('base64'))
    await page.waitForTimeout(800)
  }
  await page.close()
  expect(seen.size).toBeGreaterThan(3)
})

test('the states are lit, and pause and resume are obeyed', async () => {
  await using visitor = await visit()
  const { page } = visitor
  const lit = page.locator('#states [aria-current]')
  await until(
    () => lit.textContent(),
    (state) => state === 'open',
  )
  await page.getByRole('button', { name: 'Pause' }).click()
  await until(
    () => lit.textContent(),
    (state) => state === 'paused',
  )
  await page.getByRole('button', { name: 'Resume' }).click()
  await until(
    () => lit.textContent(),
    (state) => state === 'open',
  )
})

test('an answer in tokens outlives a reload, and stops when it is told to', async () => {
  await using visitor = await visit()
  const { page } = visitor
  const shown = () => page.locator('#answer').textContent()
  const begins = (text: string | null) => (text ?? '').startsWith('You asked about “Why not WebSockets')
  const asked: string[] = []
  page.on('request', (request) => {
    if (request.url().includes('/api/chat')) asked.push(request.method())
  })
  await page.getByRole('button', { name: 'Ask' }).click()
  await until(shown, begins)
  await until(
    () => page.locator('#plain-answer').textContent(),
    (text) => (text ?? '').length > 20,
  )
  await page.getByRole('button', { name: 'Reload the page' }).click()
  await until(
    () => page.locator('#plain-answer').textContent(),
    (text) => /^\d+ words were here\. They are gone/.test(text ?? ''),
  )
  // All of it again, from its beginning, and what comes.
  const before = await until(shown, begins)
  await until(shown, (text) => (text ?? '').length > (before ?? '').length)
  await page.getByRole('button', { name: 'Stop' }).click()
  await until(shown, (text) => (text ?? '').endsWith('stopped.'))
  expect(asked).toEqual(['POST', 'GET', 'DELETE'])
})

test('a notification reaches one user, a message its room, a broadcast of the admin its topic', async () => {
  await using ana = await visit()
  await using ben = await visit()
  await ben.page.locator('#user').selectOption('ben')
  const said = (page: Page) => page.locator('#said').textContent()
  await until(
    () => row(ben.page, 'ours'),
    ({ received }) => received > 2,
  )
  await ana.page.locator('#say').fill('for ben')
  await ana.page.getByRole('button', { name: 'Tell ben' }).click()
  await until(
    () => said(ben.page),
    (text) => (text ?? '').includes('to ben alone: for ben'),
  )
  await ana.page.locator('#say').fill('soup')
  await ana.page.getByRole('button', { name: 'Say in the room' }).click()
  for (const { page } of [ana, ben])
    await until(
      () => said(page),
      (text) => (text ?? '').includes('in the kitchen: soup'),
    )
  expect(await said(ana.page)).not.toContain('for ben')

  await using admin = await visit('admin.html')
  await until(
    () => admin.page.locator('#stats').textContent(),
    (text) => (text ?? '').includes('"connections"'),
  )
  await admin.page.getByRole('button', { name: 'Send' }).click()
  await until(
    () => admin.page.locator('#result').textContent(),
    (text) => (text ?? '').startsWith('202'),
  )
  await until(
    () => said(ana.page),
    (text) => (text ?? '').includes('Dinner is ready'),
  )
  expect(admin.mistakes).toEqual([])
})

test('the React component shows the stream that tabs share', async () => {
  await using visitor = await visit()
  await until(
    () => visitor.page.locator('#react').textContent(),
    (text) => /open, attempt \d+, at number \d+/.test(text ?? ''),
  )
})

test.each([
  ['', 'light'],
  ['', 'dark'],
  ['admin.html', 'light'],
  ['admin.html', 'dark'],
  ['tab.html', 'light'],
  ['tab.html', 'dark'],
] as const)('axe finds nothing on /%s in %s', async (path, colorScheme) => {
  await using visitor = await visit(path, { colorScheme })
  const { page } = visitor
  await page.waitForTimeout(1500)
  await page.addScriptTag({ path: axe })
  const violations = await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe puts itself into the page
    const { violations } = await (globalThis as any).axe.run()
    return violations.map(({ id, nodes }: { id: string; nodes: { html: string }[] }) => [id, nodes[0]?.html])
  })
  expect(violations).toEqual([])
})

test.each([360, 768])('nothing is wider than a screen of %i', async (width) => {
  for (const path of ['', 'admin.html', 'tab.html']) {
    await using visitor = await visit(path, { width })
    await visitor.page.waitForTimeout(1000)
    expect(await visitor.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
  }
})

test('every button can be reached and pressed with the keyboard, from the skip link on', async () => {
  await using visitor = await visit()
  const { page } = visitor
  await until(
    () => row(page, 'ours'),
    ({ received }) => received > 2,
  )
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toMatch(/^Skip/)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('fault-drop')
  await page.keyboard.press('Enter')
  await until(
    () => reopened(page),
    (times) => times === 2,
  )
})

test('the button turns light into dark and keeps it over a reload', async () => {
  await using visitor = await visit()
  const { page } = visitor
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await paper()
  await page.locator('#theme').click()
  expect(await paper()).not.toBe(light)
  await page.reload()
  expect(await paper()).not.toBe(light)
})

test('ten tabs have one connection, and are told one by one; of ten with an EventSource each, four hear nothing', async () => {
  await using visitor = await visit()
  const { page } = visitor
  const rows = page.locator('#tabs tr')
  const ten = page.locator('#ten-tabs')
  await ten.click()
  await until(
    () => rows.count(),
    (count) => count === 11,
  )
  await until(
    () => rows.evaluateAll((all) => all.filter((row) => Number(row.children[1]?.textContent) > 3).length),
    (count) => count === 11,
  )
  expect(await page.locator('#tab-sockets').textContent()).toBe('1')
  expect(await page.locator('#tab-lost').textContent()).toBe('0')
  await page.locator('#ten-plain').click()
  await until(
    () => page.locator('#plain-said').textContent(),
    (text) => text === 'Ten of EventSource: 6 connections are open, 4 of the tabs hear nothing.',
  )
  await ten.click()
  await until(
    () => rows.count(),
    (count) => count === 1,
  )
  // What was opened plainly is closed by itself.
  await page.locator('#ten-plain:enabled').waitFor()
  expect(visitor.mistakes).toEqual([])
})

test('tabs share one connection: the one that has it is closed, another goes on, and nothing is lost', async () => {
  await using visitor = await visit()
  const { page } = visitor
  const rows = () =>
    page
      .locator('#tabs tr')
      .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent ?? '')))
  const isWhole = (count: number) => (seen: string[][]) =>
    seen.length === count &&
    seen.every(([, received, lost, doubled]) => Number(received) > 2 && lost === '0' && doubled === '0') &&
    seen.filter(([, , , , connection]) => connection === 'has it').length === 1
  const tabs: Page[] = []
  for (let n = 1; n <= 3; n++) {
    const [tab] = await Promise.all([page.waitForEvent('popup'), page.locator('#open-tab').click()])
    tabs.push(tab)
  }
  await until(rows, isWhole(4))
  expect(await page.locator('#tab-sockets').textContent()).toBe('1')
  // One that is told leaves, and then the one that has it.
  await tabs[0]?.locator('#close').click()
  await until(rows, isWhole(3))
  await tabs[1]?.waitForFunction(() => (document.querySelector('#leads')?.textContent ?? '').includes('this page'))
  const heard = () => tabs[1]?.locator('#heard').textContent() as Promise<string>
  await page.goto('about:blank')
  await tabs[1]?.waitForFunction(() =>
    /connection of: tab|This tab has/.test(document.querySelector('#leads')?.textContent ?? ''),
  )
  const before = Number.parseInt(await heard(), 10)
  await until(heard, (text) => Number.parseInt(text, 10) > before + 4)
  expect(await heard()).toMatch(/ events, 0 lost, 0 doubled$/)
  expect(visitor.mistakes).toEqual([])
})
