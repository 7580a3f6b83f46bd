import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Page as ChromiumPage, chromium } from 'playwright-core'
import { launch as launchChromium, type Page as PuppeteerPage } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHub } from '../../src/server/index.ts'
import { median } from '../bench/median.ts'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { type Browser, type BrowserName, launch, type Page } from './browser.ts'
import { bundle } from './bundle.ts'
import { CHROMIUM } from './chromium.ts'

// One connection for all tabs, in real browsers, under 200 events a second: tabs that come and go, crash and freeze.

/** In milliseconds; what the page has. */
const HEARTBEAT = 1000

interface Report {
  state: string
  heard: number[]
  gaps: unknown[]
  fetched: number[]
  /** How late an event was at most, in milliseconds. */
  late: number
}

let script = ''
let worker = ''
let base = ''
const hub = createHub({ history: 10_000 })
/** The tabs that have asked for the stream. */
const asked: string[] = []
const server = createServer((request, response) => {
  const { url = '' } = request
  if (url.startsWith('/events')) {
    asked.push(`${request.headers['x-tab']}`)
    void hub.handle(request, response)
  } else if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
  else if (url === '/worker.js') response.setHeader('content-type', 'text/javascript').end(worker)
  else if (url.startsWith('/other')) response.setHeader('content-type', 'text/html').end('other')
  else
    response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>shared</title><script type="module" src="/page.js"></script>')
})

let published = 0
let timer: NodeJS.Timeout
beforeAll(async () => {
  script = await bundle('shared.js')
  worker = await bundle('shared-worker.js')
  base = `http://127.0.0.1:${await listen(server)}/`
  timer = setInterval(() => void hub.publish({ data: { n: ++published, at: Date.now() } }), 5)
})
afterAll(async () => {
  clearInterval(timer)
  await hub.close({ within: 0 })
  await shut(server)
})

const reportOf = async (page: Page): Promise<Report> => JSON.parse(await page.evaluate<string>('report()'))

async function until(condition: () => boolean | Promise<boolean>, milliseconds = 10_000) {
  const end = performance.now() + milliseconds
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${condition}`)
    await sleep(10)
  }
}

let tabs = 0
interface Tab extends Page {
  readonly name: string
}
async function openTab(browser: Browser, query = ''): Promise<Tab> {
  const name = `tab ${++tabs}`
  const page = await browser.open(`${base}?tab=${name}${query}`)
  await until(async () => (await reportOf(page)).heard.length > 0)
  return { ...page, name }
}
async function openTabs(browser: Browser, count: number): Promise<Tab[]> {
  const all: Tab[] = []
  for (let n = 0; n < count; n++) all.push(await openTab(browser))
  return all
}

/** That each has had every event since it came, up to now, once and in order. */
async function expectWhole(pages: readonly Page[]) {
  const newest = published
  for (const page of pages) {
    await until(async () => ((await reportOf(page)).heard.at(-1) ?? 0) >= newest)
    const { heard, gaps } = await reportOf(page)
    const [first = 0] = heard
    expect(heard).toEqual(Array.from(heard, (_, n) => first + n))
    expect(gaps).toEqual([])
  }
}

const leaderOf = (all: readonly Tab[]) => all.find(({ name }) => name === asked.at(-1)) as Tab

/** How late events were in the tabs that stay, while something was done to another. */
async function pauseOf(pages: readonly Page[], act: () => Promise<unknown>): Promise<number> {
  for (const page of pages) await page.evaluate('reset()')
  const before = asked.length
  await act()
  await until(() => asked.length > before)
  const newest = published
  let late = 0
  for (const page of pages) {
    await until(async () => ((await reportOf(page)).heard.at(-1) ?? 0) > newest)
    late = Math.max(late, (await reportOf(page)).late)
  }
  return late
}

const inBrowser = (name: BrowserName, run: (browser: Browser) => Promise<void>) => async () => {
  const browser = await launch(name)
  try {
    await run(browser)
  } finally {
    await browser.close()
    await until(() => hub.size === 0)
  }
}

describe.each<[BrowserName, number, number]>([
  ['chromium', 10, 25],
  ['firefox', 10, 10],
  ['webkit', 6, 5],
])('%s', (name, count, kills) => {
  const isWanted = wantedEngines().includes(name)

  test.runIf(isWanted)(
    'has one connection for all tabs, which all go on fetching other things',
    inBrowser(name, async (browser) => {
      const all = await openTabs(browser, count)
      expect(hub.size).toBe(1)
      for (const page of all) await page.evaluate('ask()')
      await until(async () => (await Promise.all(all.map(reportOf))).every(({ fetched }) => fetched.length === 1))
      await expectWhole(all)
      expect(hub.size).toBe(1)
    }),
    60_000,
  )

  test.runIf(isWanted)(
    'loses nothing when the tab that leads is closed, again and again',
    inBrowser(name, async (browser) => {
      let all = await openTabs(browser, 3)
      const pauses: number[] = []
      for (let n = 0; n < kills; n++) {
        const leader = leaderOf(all)
        all = all.filter((tab) => tab !== leader)
        pauses.push(await pauseOf(all, () => leader.close()))
        all.push(await openTab(browser))
      }
      await expectWhole(all)
      expect(hub.size).toBe(1)
      console.log(`${name}: closed, ${median(pauses)} ms, at most ${Math.max(...pauses)}`)
      expect(median(pauses)).toBeLessThan(250)
    }),
    180_000,
  )

  test.runIf(isWanted)(
    'replaces a tab that is frozen, which then has what it lacks, and no connection of its own',
    inBrowser(name, async (browser) => {
      const all = await openTabs(browser, 4)
      const pauses: number[] = []
      for (let n = 0; n < 3; n++) {
        const leader = leaderOf(all)
        const others = all.filter((tab) => tab !== leader)
        pauses.push(await pauseOf(others, () => leader.evaluate('freeze(4000)')))
        await expectWhole(all)
        await until(() => hub.size === 1)
      }
      console.log(`${name}: frozen, ${pauses.join(', ')} ms`)
      expect(median(pauses)).toBeLessThan(2.5 * HEARTBEAT)
    }),
    120_000,
  )
})

/** What only Chromium lets be done to a tab. */
describe.runIf(wantedEngines().includes('chromium'))('in Chromium', () => {
  interface ChromiumTab extends Tab {
    readonly page: ChromiumPage
  }
  const inChromium = (run: (open: (query?: string) => Promise<ChromiumTab>) => Promise<void>) => async () => {
    const browser = await chromium.launch({ ...CHROMIUM(), ignoreDefaultArgs: ['--disable-back-forward-cache'] })
    const context = await browser.newContext()
    const open = async (query = '') => {
      const page = await context.newPage()
      const opened: Browser = {
        version: '',
        close: async () => {},
        async open(url) {
          await page.goto(url)
          return {
            evaluate: (expression) => page.evaluate(expression),
            goto: async (url) => void (await page.goto(url)),
            close: () => page.close(),
          }
        },
      }
      return { ...(await openTab(opened, query)), page }
    }
    try {
      await run(open)
    } finally {
      await browser.close()
      await until(() => hub.size === 0)
    }
  }

  test(
    'nothing is lost when the tab that leads crashes, again and again',
    inChromium(async (open) => {
      let all = [await open(), await open(), await open()]
      const pauses: number[] = []
      for (let n = 0; n < 25; n++) {
        const leader = leaderOf(all) as ChromiumTab
        all = all.filter((tab) => tab !== leader)
        pauses.push(await pauseOf(all, async () => void leader.page.goto('chrome://crash').catch(() => {})))
        await leader.close()
        all.push(await open())
      }
      await expectWhole(all)
      expect(hub.size).toBe(1)
      console.log(`chromium: crashed, ${median(pauses)} ms, at most ${Math.max(...pauses)}`)
      expect(median(pauses)).toBeLessThan(250)
    }),
    180_000,
  )

  // Playwright's pages believe that they are seen, and those are never frozen; Puppeteer's do not.
  test('a hidden tab that the browser freezes hands over at once, and comes back without a loss', async () => {
    const { executablePath, args } = CHROMIUM()
    const browser = await launchChromium({ executablePath, args, headless: true })
    try {
      const pages: PuppeteerPage[] = []
      const opened: Browser = {
        version: '',
        close: async () => {},
        async open(url) {
          const page = await browser.newPage()
          pages.push(page)
          await page.goto(url)
          return {
            evaluate: <Value>(expression: string) => page.evaluate(expression) as Promise<Value>,
            goto: async (url) => void (await page.goto(url)),
            close: () => page.close(),
          }
        },
      }
      const all = await openTabs(opened, 3)
      const [hidden] = pages
      const session = await hidden?.createCDPSession()
      expect(leaderOf(all)).toBe(all[0])
      await pages[2]?.bringToFront()
      const pause = await pauseOf(all.slice(1), async () =>
        session?.send('Page.setWebLifecycleState', { state: 'frozen' }),
      )
      expect(pause).toBeLessThan(HEARTBEAT)
      expect(hub.size).toBe(1)
      await sleep(500)
      await session?.send('Page.setWebLifecycleState', { state: 'active' })
      await expectWhole(all)
      expect(hub.size).toBe(1)
    } finally {
      await browser.close()
      await until(() => hub.size === 0)
    }
  }, 60_000)

  test(
    'a page that leads leaves for the back/forward cache, and is one of the others when it comes back',
    inChromium(async (open) => {
      const all = [await open(), await open()]
      const leader = leaderOf(all) as ChromiumTab
      await leader.page.evaluate('addEventListener("pageshow", ({ persisted }) => { globalThis.isBack = persisted })')
      const others = all.filter((tab) => tab !== leader)
      await pauseOf(others, () => leader.page.goto(`${base}other`))
      leader.page.evaluate('history.back()').catch(() => {})
      await until(async () => !!(await leader.page.evaluate('globalThis.isBack').catch(() => false)))
      await expectWhole(all)
      expect(hub.size).toBe(1)
    }),
    60_000,
  )

  test(
    'workers share it with their page, dedicated and shared ones',
    inChromium(async (open) => {
      const [page] = [await open()]
      const hear = (make: string, port: string) =>
        page.page.evaluate<number[]>(
          `new Promise((resolve) => { const worker = new ${make}('/worker.js', { type: 'module' }); ${port}.onmessage = ({ data }) => resolve(data) })`,
        )
      const heard = await Promise.all([hear('Worker', 'worker'), hear('SharedWorker', 'worker.port')])
      for (const numbers of heard) {
        const [first = 0] = numbers
        expect(numbers).toEqual(Array.from({ length: 50 }, (_, n) => first + n))
      }
      expect(hub.size).toBe(1)
      await expectWhole([page])
    }),
    60_000,
  )

  test(
    'ten tabs with an EventSource each can ask for nothing more, where ten that share can',
    inChromium(async (open) => {
      const tabs: ChromiumTab[] = []
      for (let n = 0; n < 6; n++) tabs.push(await open('&plain=yes'))
      const [last] = tabs.slice(-1) as [ChromiumTab]
      await last.evaluate('ask()')
      await sleep(1000)
      expect((await reportOf(last)).fetched).toEqual([])
      expect(hub.size).toBe(6)
    }),
    60_000,
  )

  test(
    'another user hears nothing of it, in the same browser',
    inChromium(async (open) => {
      const ann = await open('&scope=ann')
      const bob = await open('&scope=bob')
      expect(hub.size).toBe(2)
      await expectWhole([ann, bob])
      await ann.close()
      await until(() => hub.size === 1)
      await expectWhole([bob])
    }),
    60_000,
  )
})
