import { launch as start } from 'puppeteer-core'
import { engine } from '../engines.js'
import type { Browser } from './browser.ts'

/** Firefox over WebDriver BiDi; Puppeteer makes and removes the profile. */
export async function launch(): Promise<Browser> {
  const browser = await start({ browser: 'firefox', executablePath: engine('firefox'), headless: true })
  return {
    version: (await browser.version()).replace('firefox/', ''),
    async open(url) {
      const page = await browser.newPage()
      await page.goto(url)
      return {
        evaluate: <Value>(expression: string) => page.evaluate(expression) as Promise<Value>,
        goto: async (url) => void (await page.goto(url)),
        close: () => page.close(),
      }
    },
    close: () => browser.close(),
  }
}
