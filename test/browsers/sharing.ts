import { createServer } from 'node:http'
import { createHub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { until as wait } from '../helpers/until.ts'
import type { Browser, Page } from './browser.ts'
import { bundle } from './bundle.ts'

/** What a tab has heard. */
export interface Report {
  readonly heard: number[]
  readonly gaps: unknown[]
  /** How long its other requests took. */
  readonly fetched: number[]
  /** How late an event was at most, in milliseconds. */
  readonly late: number
}

export interface Tab extends Page {
  readonly name: string
}

export const until = (condition: Parameters<typeof wait>[0]): Promise<void> => wait(condition, 10_000)

export const reportOf = async (page: Page): Promise<Report> => JSON.parse(await page.evaluate<string>('report()'))

export type World = Awaited<ReturnType<typeof serveShared>>

/** A server whose pages share a connection, under 200 events a second. */
export async function serveShared() {
  const scripts = { '/page.js': await bundle('shared.js'), '/worker.js': await bundle('shared-worker.js') }
  const hub = createHub({ history: 10_000 })
  /** The tabs that have asked for the stream. */
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { url = '' } = request
    if (url in scripts) response.setHeader('content-type', 'text/javascript').end(scripts[url as keyof typeof scripts])
    else if (url.startsWith('/events')) {
      asked.push(`${request.headers['x-tab']}`)
      void hub.handle(request, response)
    } else if (url.startsWith('/other')) response.setHeader('content-type', 'text/html').end('other')
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>shared</title><script type="module" src="/page.js"></script>')
  })
  const base = `http://127.0.0.1:${await listen(server)}/`
  let published = 0
  const timer = setInterval(() => void hub.publish({ data: { n: ++published, at: Date.now() } }), 5)
  let tabs = 0

  async function openTab(browser: Pick<Browser, 'open'>, query = ''): Promise<Tab> {
    const name = `tab ${++tabs}`
    const page = await browser.open(`${base}?tab=${name}${query}`)
    await until(async () => (await reportOf(page)).heard.length > 0)
    return { ...page, name }
  }

  return {
    hub,
    base,
    asked,
    get published() {
      return published
    },
    openTab,
    async openTabs(browser: Pick<Browser, 'open'>, count: number): Promise<Tab[]> {
      const all: Tab[] = []
      for (let n = 0; n < count; n++) all.push(await openTab(browser))
      return all
    },
    leaderOf: <Each extends Tab>(all: readonly Each[]) => all.find(({ name }) => name === asked.at(-1)) as Each,
    /** How late events were in the tabs that stay, while something was done to another. */
    async pauseOf(pages: readonly Page[], act: () => Promise<unknown>): Promise<number> {
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
    },
    async close() {
      clearInterval(timer)
      await hub.close({ within: 0 })
      await shut(server)
    },
  }
}
