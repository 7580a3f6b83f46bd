import { type Page as PuppeteerPage, launch as start } from 'puppeteer-core'
import { engine } from '../engines.js'
import type { Browser, Page } from './browser.ts'

/** What the tests need of a page of Puppeteer's. */
export const pageOf = (page: PuppeteerPage): Page => ({
  evaluate: <Value>(expression: string) => page.evaluate(expression) as Promise<Value>,
  goto: async (url) => void (await page.goto(url)),
  close: () => page.close(),
})

/** Firefox over WebDriver BiDi; Puppeteer makes and removes the profile. */
export async function launch(): Promise<Browser> {
  const browser = await start({ browser: 'firefox', executablePath: engine('firefox'), headless: true })
  return {
    version: (await browser.version()).replace('firefox/', ''),
    async open(url) {
      const page = await browser.newPage()
      await page.goto(url)
      return pageOf(page)
    },
    close: () => browser.close(),
  }
}
