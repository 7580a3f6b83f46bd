import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wantedEngines } from '../engines.js'
import { type Browser, launch, type Page } from './browser.ts'
import { bundle } from './bundle.ts'

const PER_SECOND = 5000
/** How often the server writes, in milliseconds. */
const BEAT = 10

let total = 0
let streams = 0
const scripts: Record<string, string> = {}
const server = createServer((request, response) => {
  if (request.url === '/events') {
    streams++
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let index = 0
    const begun = performance.now()
    const timer = setInterval(() => {
      // As many as are due by now: a late timer makes up for it, so that the rate is kept.
      const due = Math.min(total, Math.round(((performance.now() - begun) / 1000) * PER_SECOND))
      let frames = ''
      for (; index < due; index++) {
        const type = index === total - 1 ? 'event: last\n' : ''
        frames += `id: ${index}\n${type}data: {"index":${index},"text":"event number ${index}"}\n\n`
      }
      response.write(frames)
      if (index === total) clearInterval(timer)
    }, BEAT)
    response.on('close', () => clearInterval(timer))
  } else if (request.url?.endsWith('.js'))
    response.setHeader('content-type', 'text/javascript').end(scripts[request.url])
  else
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><main></main><script type="module" src="${request.url}.js"></script>`)
})

describe.runIf(wantedEngines().includes('chromium'))('in Chromium', () => {
  let browser: Browser
  let base: string

  beforeAll(async () => {
    browser = await launch('chromium')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    await browser?.close()
    server.closeAllConnections()
    server.close()
  })

  async function watch(page: Page) {
    await page.evaluate(`{
      window.tasks = []
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) window.tasks.push(duration)
      }).observe({ type: 'longtask' })
    }`)
    while ((await page.evaluate('document.querySelector("#state")?.textContent')) !== 'closed')
      await new Promise((resolve) => setTimeout(resolve, 100))
    return await page.evaluate<{ seen: string; tasks: number[]; rows: number; last: string }>(`({
      seen: document.querySelector('#seen').textContent,
      tasks: window.tasks,
      rows: document.querySelectorAll('li').length,
      last: document.querySelector('li:last-child').textContent,
    })`)
  }

  test.each([
    ['React', 'react.jsx', 50_000],
    ['Vue', 'vue.js', 10_000],
    ['Svelte', 'svelte.js', 10_000],
  ])(
    'a page of %s (%s) shows %i events at 5,000 per second, counts every one, and has no task of 100 ms',
    // A long task may be that of another process: it is not there again the next time.
    { retry: 2 },
    async (name, file, count) => {
      total = count
      streams = 0
      scripts[`/${name}.js`] = await bundle(file)
      const page = await browser.open(`${base}/${name}`)
      const begun = performance.now()
      const { seen, tasks, rows, last } = await watch(page)
      const seconds = (performance.now() - begun) / 1000
      expect(seen).toBe(`${count} ${(count * (count - 1)) / 2} ${count}`)
      expect([rows, last]).toEqual([100, `${count - 1} event number ${count - 1}`])
      expect(streams).toBe(1)
      expect(Math.max(0, ...tasks)).toBeLessThan(100)
      expect(seconds).toBeLessThan((count / PER_SECOND) * 1.5 + 2)
      await page.close()
    },
  )
})
