import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wantedEngines } from '../engines.js'
import { type Browser, type BrowserName, launch } from './browser.ts'

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html').end(`<!doctype html><title>${request.url}</title>`)
})
let base = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

describe.each<BrowserName>(['chromium', 'firefox', 'webkit'])('%s', (name) => {
  test.runIf(wantedEngines().includes(name))('opens pages side by side and awaits what they answer', async () => {
    let browser: Browser | undefined
    try {
      browser = await launch(name)
      expect(browser.version).toMatch(/^\d+\.\d+/)
      const [one, two] = await Promise.all([browser.open(`${base}/one`), browser.open(`${base}/two`)])
      const titles = await Promise.all([one, two].map((page) => page?.evaluate('Promise.resolve(document.title)')))
      expect(titles).toEqual(['/one', '/two'])
      await expect(one.evaluate('Promise.reject(new Error("no such thing"))')).rejects.toThrow('no such thing')
      await one.goto(`${base}/three`)
      expect(await one.evaluate('document.title')).toBe('/three')
      await two.close()
    } finally {
      await browser?.close()
    }
  })
})
