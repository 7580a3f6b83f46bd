import { createServer } from 'node:http'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { bundle } from './bundle.ts'
import { CHROMIUM } from './chromium.ts'

// A page of the real back/forward cache: what may be repeated comes back with it, what may not is not sent again.

interface Report {
  at: string
  get?: string
  post?: string
  heard?: { get: string[]; post: string[] }
}

let script = ''
const requests: string[] = []
const reports: Report[] = []
let onReport = () => {}
const server = createServer(async (request, response) => {
  const { url = '', method } = request
  if (url === '/get' || url === '/post') {
    requests.push(`${method} ${url} after ${request.headers['last-event-id']}`)
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .write(`id: ${requests.length}\ndata: ${method}\n\n`)
  } else if (url === '/report') {
    let body = ''
    for await (const chunk of request) body += chunk
    reports.push(JSON.parse(body))
    response.end()
    onReport()
  } else if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
  else if (url === '/other') response.setHeader('content-type', 'text/html').end('<title>other</title>')
  else
    response
      .setHeader('content-type', 'text/html')
      .end('<title>page</title><script type="module" src="/page.js"></script>')
})

async function reported(at: string): Promise<Report> {
  for (;;) {
    const found = reports.find((report) => report.at === at)
    if (found) return found
    await new Promise<void>((resolve) => {
      onReport = resolve
    })
  }
}

describe.runIf(wantedEngines().includes('chromium'))('the back/forward cache of Chromium', () => {
  let browser: Browser
  let base = ''

  beforeAll(async () => {
    script = await bundle('cached.js')
    base = `http://127.0.0.1:${await listen(server)}`
    browser = await chromium.launch({ ...CHROMIUM(), ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  })
  afterAll(async () => {
    await browser?.close()
    await shut(server)
  })

  test('brings a GET back after its id, and sends no POST again', async () => {
    const page = await browser.newPage()
    await page.goto(`${base}/`)
    await reported('first')
    await page.goto(`${base}/other`)
    // Playwright knows nothing of a page that comes out of the cache; this one reports by itself.
    page.evaluate('history.back()').catch(() => {})
    const { get, heard } = await reported('back')
    expect([get, heard?.get]).toEqual(['open', ['GET', 'GET']])
    const id = requests.indexOf('GET /get after undefined') + 1
    expect(requests.filter((each) => each.startsWith('GET'))).toEqual([
      'GET /get after undefined',
      `GET /get after ${id}`,
    ])
    expect(requests.filter((each) => each.startsWith('POST'))).toEqual(['POST /post after undefined'])
  }, 30_000)
})
