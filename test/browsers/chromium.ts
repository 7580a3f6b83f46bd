import { chromium, type Page as PlaywrightPage } from 'playwright-core'
import { engine } from '../engines.js'
import type { Browser, Page } from './browser.ts'

// No sandbox, because tests run as root in containers; no background traffic of its own.
const args =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

/** How Playwright starts it. */
export const CHROMIUM = () => ({ executablePath: engine('chromium'), args: args.split(' ') })

/** What the tests need of a page of Playwright's. */
export const pageOf = (page: PlaywrightPage): Page => ({
  evaluate: (expression) => page.evaluate(expression),
  goto: async (url) => void (await page.goto(url)),
  close: () => page.close(),
})

/** Chromium over its DevTools protocol; Playwright makes and removes the profile. */
export async function launch(): Promise<Browser> {
  const browser = await chromium.launch(CHROMIUM())
  const context = await browser.newContext()
  return {
    version: browser.version(),
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      return pageOf(page)
    },
    close: () => browser.close(),
  }
}
