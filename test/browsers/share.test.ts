import { setTimeout as sleep } from 'node:timers/promises'
import { type Page as ChromiumPage, chromium } from 'playwright-core'
import { launch as launchChromium, type Page as PuppeteerPage } from 'puppeteer-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { median } from '../bench/median.ts'
import { wantedEngines } from '../engines.js'
import { type BrowserName, inBrowser, type Page } from './browser.ts'
import { CHROMIUM, pageOf } from './chromium.ts'
import { pageOf as puppeteerPageOf } from './firefox.ts'
import { reportOf, serveShared, type Tab, until, type World } from './sharing.ts'

// One connection for all tabs, in real browsers, under 200 events a second: tabs that come and go, crash and freeze.

/** In milliseconds; what the page has. */
const HEARTBEAT = 1000

let world: World
beforeAll(async () => {
  world = await serveShared()
})
afterAll(() => world.close())

/** That each has had every event since it came, up to now, once and in order. */
async function expectWhole(pages: readonly Page[]) {
  const newest = world.published
  for (const page of pages) {
    await until(async () => ((await reportOf(page)).heard.at(-1) ?? 0) >= newest)
    const { heard, gaps } = await reportOf(page)
    const [first = 0] = heard
    expect(heard).toEqual(Array.from(heard, (_, n) => first + n))
    expect(gaps).toEqual([])
  }
}

afterEach(() => until(() => world.hub.size === 0))

describe.each<[BrowserName, number, number]>([
  ['chromium', 10, 25],
  ['firefox', 10, 10],
  ['webkit', 6, 5],
])('%s', (name, count, kills) => {
  const isWanted = wantedEngines().includes(name)

  test.runIf(isWanted)(
    'has one connection for all tabs, which all go on fetching other things',
    () =>
      inBrowser(name, async (browser) => {
        const all = await world.openTabs(browser, count)
        expect(world.hub.size).toBe(1)
        for (const page of all) await page.evaluate('ask()')
        await until(async () => (await Promise.all(all.map(reportOf))).every(({ fetched }) => fetched.length === 1))
        await expectWhole(all)
        expect(world.hub.size).toBe(1)
      }),
    60_000,
  )

  test.runIf(isWanted)(
    'loses nothing when the tab that leads is closed, again and again',
    () =>
      inBrowser(name, async (browser) => {
        let all = await world.openTabs(browser, 3)
        const pauses: number[] = []
        for (let n = 0; n < kills; n++) {
          const leader = world.leaderOf(all)
          all = all.filter((tab) => tab !== leader)
          pauses.push(await world.pauseOf(all, () => leader.close()))
          all.push(await world.openTab(browser))
        }
        await expectWhole(all)
        expect(world.hub.size).toBe(1)
        expect(median(pauses)).toBeLessThan(250)
      }),
    180_000,
  )

  test.runIf(isWanted)(
    'replaces a tab that is frozen, which then has what it lacks, and no connection of its own',
    () =>
      inBrowser(name, async (browser) => {
        const all = await world.openTabs(browser, 4)
        const pauses: number[] = []
        for (let n = 0; n < 3; n++) {
          const leader = world.leaderOf(all)
          const others = all.filter((tab) => tab !== leader)
          const before = world.asked.length
          pauses.push(await world.pauseOf(others, () => leader.evaluate('freeze(4000)')))
          await expectWhole(all)
          expect(world.asked.length).toBe(before + 1)
          await until(() => world.hub.size === 1)
        }
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
      const opened = {
        open: async (url: string) => {
          await page.goto(url)
          return pageOf(page)
        },
      }
      return { ...(await world.openTab(opened, query)), page }
    }
    try {
      await run(open)
    } finally {
      await browser.close()
    }
  }

  test(
    'nothing is lost when the tab that leads crashes, again and again',
    inChromium(async (open) => {
      let all = [await open(), await open(), await open()]
      const pauses: number[] = []
      for (let n = 0; n < 25; n++) {
        const leader = world.leaderOf(all) as ChromiumTab
        all = all.filter((tab) => tab !== leader)
        pauses.push(await world.pauseOf(all, async () => void leader.page.goto('chrome://crash').catch(() => {})))
        await leader.close()
        all.push(await open())
      }
      await expectWhole(all)
      expect(world.hub.size).toBe(1)
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
      const opened = {
        open: async (url: string) => {
          const page = await browser.newPage()
          pages.push(page)
          await page.goto(url)
          return puppeteerPageOf(page)
        },
      }
      const all = await world.openTabs(opened, 3)
      const [hidden] = pages
      const session = await hidden?.createCDPSession()
      expect(world.leaderOf(all)).toBe(all[0])
      await pages[2]?.bringToFront()
      const pause = await world.pauseOf(all.slice(1), async () =>
        session?.send('Page.setWebLifecycleState', { state: 'frozen' }),
      )
      expect(pause).toBeLessThan(HEARTBEAT)
      expect(world.hub.size).toBe(1)
      await sleep(500)
      await session?.send('Page.setWebLifecycleState', { state: 'active' })
      await expectWhole(all)
      expect(world.hub.size).toBe(1)
    } finally {
      await browser.close()
    }
  }, 60_000)

  test(
    'a page that leads leaves for the back/forward cache, and is one of the others when it comes back',
    inChromium(async (open) => {
      const all = [await open(), await open()]
      const leader = world.leaderOf(all) as ChromiumTab
      await leader.page.evaluate('addEventListener("pageshow", ({ persisted }) => { globalThis.isBack = persisted })')
      const others = all.filter((tab) => tab !== leader)
      await world.pauseOf(others, () => leader.page.goto(`${world.base}other`))
      leader.page.evaluate('history.back()').catch(() => {})
      await until(async () => !!(await leader.page.evaluate('globalThis.isBack').catch(() => false)))
      await expectWhole(all)
      expect(world.hub.size).toBe(1)
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
      expect(world.hub.size).toBe(1)
      await expectWhole([page])
    }),
    60_000,
  )

  test(
    'six tabs with an EventSource each leave no connection for anything else that they ask for',
    inChromium(async (open) => {
      const tabs: ChromiumTab[] = []
      for (let n = 0; n < 6; n++) tabs.push(await open('&plain=yes'))
      const [last] = tabs.slice(-1) as [ChromiumTab]
      await last.evaluate('ask()')
      await sleep(1000)
      expect((await reportOf(last)).fetched).toEqual([])
      expect(world.hub.size).toBe(6)
    }),
    60_000,
  )

  test(
    'another user hears nothing of it, in the same browser',
    inChromium(async (open) => {
      const ann = await open('&scope=ann')
      const bob = await open('&scope=bob')
      expect(world.hub.size).toBe(2)
      await expectWhole([ann, bob])
      await ann.close()
      await until(() => world.hub.size === 1)
      await expectWhole([bob])
    }),
    60_000,
  )
})
