import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHub } from '../../src/server/index.ts'
import { median } from '../bench/median.ts'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { type Browser, type BrowserName, launch, type Page } from './browser.ts'
import { bundle } from './bundle.ts'

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
  else if (url.startsWith('/other')) response.end('other')
  else
    response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>shared</title><script type="module" src="/page.js"></script>')
})

let published = 0
let timer: NodeJS.Timeout
beforeAll(async () => {
  script = await bundle('shared.js')
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
