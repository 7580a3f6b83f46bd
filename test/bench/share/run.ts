import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { createHub } from '../../../src/server/index.ts'
import { type Browser, type BrowserName, inBrowser } from '../../browsers/browser.ts'
import { bundle } from '../../browsers/bundle.ts'
import { CHROMIUM } from '../../browsers/chromium.ts'
import { serveShared, type Tab, type World } from '../../browsers/sharing.ts'
import { listen, shut } from '../../helpers/listen.ts'
import { median } from '../median.ts'

// npm run bench:share: what a tab costs that is told the events by another one, beside a BroadcastChannel alone as it is
// written by hand, in Chromium; and how much later it has them than the tab that leads; and how
// long events wait, in all browsers, when that one goes. Each in a fresh browser, in turns.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const WAYS = ['ours', 'bare'] as const
/** Events, and how many a second. */
const COUNT = 5000
const RATE = 500

const script = await bundle('share-bench.js')
const hub = createHub()
const server = createServer((request, response) => {
  if (request.url === '/events') void hub.handle(request, response)
  else if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
  else
    response
      .setHeader('content-type', 'text/html')
      .end('<title>bench</title><script type="module" src="/page.js"></script>')
})
const base = `http://127.0.0.1:${await listen(server)}/`

interface Figures {
  /** Of the main thread of a tab that follows, in microseconds for each event. */
  readonly cpu: number
  /** From the tab that leads to one that follows, in milliseconds. */
  readonly median: number
  readonly p99: number
}

const busy = async (session: CDPSession): Promise<number> => {
  const { metrics } = await session.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0
}
const seenBy = async (page: Page): Promise<Map<string, number>> => new Map(JSON.parse(await page.evaluate('report()')))

async function measure(way: (typeof WAYS)[number]): Promise<Figures> {
  const browser = await chromium.launch(CHROMIUM())
  try {
    return await measureIn(await browser.newContext(), way)
  } finally {
    await browser.close()
  }
}

async function measureIn(context: BrowserContext, way: (typeof WAYS)[number]): Promise<Figures> {
  const leader = await context.newPage()
  await leader.goto(`${base}?way=${way}&leads=yes`)
  await leader.evaluate('ready')
  const follower = await context.newPage()
  await follower.goto(`${base}?way=${way}`)
  await follower.evaluate('globalThis.ready')
  const session = await context.newCDPSession(follower)
  await session.send('Performance.enable')
  // What comes first is not measured: that is when the page gets warm.
  for (let n = 0; n < 500; n++) {
    await hub.publish({ data: `warm ${n}` })
    await sleep(2)
  }
  const before = await busy(session)
  const begun = performance.now()
  for (let n = 0; n < COUNT; n++) {
    await hub.publish({ data: `event ${n} ${'.'.repeat(80)}` })
    const ahead = begun + (n * 1000) / RATE - performance.now()
    if (ahead > 1) await sleep(ahead)
  }
  await sleep(500)
  const cpu = ((await busy(session)) - before) * (1e6 / COUNT)
  const [first, second] = await Promise.all([seenBy(leader), seenBy(follower)])
  const late = [...first]
    .filter(([data]) => data.startsWith('event'))
    .map(([data, at]) => (second.get(data) as number) - at)
  if (late.length !== COUNT || late.some(Number.isNaN)) throw new Error(`${way}: ${late.length} of ${COUNT} events`)
  late.sort((one, other) => one - other)
  return { cpu, median: median(late), p99: late[Math.floor(late.length * 0.99)] as number }
}

/** How long events wait in the other tabs when the one that leads goes, in milliseconds. */
async function pausesOf(name: BrowserName): Promise<Record<string, number>> {
  const world = await serveShared()
  try {
    return await inBrowser(name, (browser) => pausesIn(world, browser, name === 'chromium'))
  } finally {
    await world.close()
  }
}

async function pausesIn(world: World, browser: Browser, canCrash: boolean): Promise<Record<string, number>> {
  let all = await world.openTabs(browser, 3)
  const go = async (times: number, act: (leader: Tab) => Promise<unknown>, comesBack = false): Promise<number> => {
    const pauses: number[] = []
    for (let n = 0; n < times; n++) {
      const leader = world.leaderOf(all)
      const others = all.filter((tab) => tab !== leader)
      pauses.push(await world.pauseOf(others, () => act(leader)))
      if (!comesBack) all = [...others, await world.openTab(browser)]
      else await sleep(4000)
    }
    return median(pauses)
  }
  const closed = await go(15, (leader) => leader.close())
  const crashed = canCrash
    ? await go(15, async (leader) => void leader.goto('chrome://crash').catch(() => {}))
    : undefined
  const asleep = await go(5, (leader) => leader.evaluate('freeze(4000)'), true)
  return { closed, ...(crashed && { crashed }), asleep }
}

const rounds: Record<string, Figures>[] = []
for (let n = 0; n < Number(values.rounds); n++) {
  const round: Record<string, Figures> = {}
  for (const way of n % 2 ? [...WAYS].reverse() : WAYS) round[way] = await measure(way)
  rounds.push(round)
}
const of = (way: string, name: keyof Figures) => median(rounds.map((round) => (round[way] as Figures)[name]))
const pauses: Record<string, Record<string, number>> = {}
for (const name of ['chromium', 'firefox', 'webkit'] as const) pauses[name] = await pausesOf(name)
const result = {
  pauses,
  cpu: median(rounds.map(({ ours, bare }) => (ours as Figures).cpu / (bare as Figures).cpu)),
  late: Object.fromEntries(WAYS.map((way) => [way, { median: of(way, 'median'), p99: of(way, 'p99') }])),
}
console.log(JSON.stringify(result, undefined, values.json ? undefined : 2))
await hub.close({ within: 0 })
await shut(server)
