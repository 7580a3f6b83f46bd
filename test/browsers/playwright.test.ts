import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encode } from '../../src/index.ts'
import type { MockServer } from '../../src/testing/index.ts'
import { wantedEngines } from '../engines.js'
import { bundle } from './bundle.ts'
import { CHROMIUM } from './chromium.ts'

// How an application's stream is scripted in Playwright. Its `route` answers with a whole body only; what has to come in
// time comes from the scripted server, which is put into the page.

const SITE = 'https://app.test/'

describe.runIf(wantedEngines().includes('chromium'))('with Playwright', () => {
  let browser: Browser
  let page: Page
  let application: string
  let scripted: string

  beforeAll(async () => {
    ;[browser, application, scripted] = await Promise.all([
      chromium.launch(CHROMIUM()),
      bundle('clock.js'),
      bundle('scripted.js'),
    ])
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    page = await browser.newPage()
    await page.route(`${SITE}**`, (route) =>
      route.fulfill(
        route.request().url().endsWith('.js')
          ? { contentType: 'text/javascript', body: application }
          : {
              contentType: 'text/html',
              body: '<b id="state"></b><b id="tick"></b><script type="module" src="/app.js"></script>',
            },
      ),
    )
  })
  afterEach(() => page.close())

  test('a route answers with a whole body, then with 204, which ends it', async () => {
    const asked: (string | undefined)[] = []
    await page.route('**/events', (route) => {
      asked.push(route.request().headers()['last-event-id'])
      return asked.length > 1
        ? route.fulfill({ status: 204 })
        : route.fulfill({
            contentType: 'text/event-stream',
            body: ['12:00', '12:01'].map((data, id) => encode({ type: 'tick', data, id: `${id}` })).join(''),
          })
    })
    await page.goto(SITE)
    await page.locator('#state', { hasText: 'closed' }).waitFor()
    expect(await page.locator('#tick').textContent()).toBe('12:01')
    expect(asked).toEqual([undefined, '1'])
  })

  test('the scripted server in the page sends, drops and answers whenever the test says so', async () => {
    await page.addInitScript(`{${scripted}}`)
    await page.goto(SITE)
    const server = await page.evaluateHandle<MockServer>('server')
    const request = await server.evaluateHandle((server) => server.next())
    await request.evaluate((request) => request.send({ type: 'tick', data: '12:00', id: '1' }))
    await page.locator('#tick', { hasText: '12:00' }).waitFor()
    expect(await page.locator('#state').textContent()).toBe('open')
    await request.evaluate((request) => request.drop())
    const second = await server.evaluateHandle((server) => server.next())
    expect(await second.evaluate((request) => request.headers.get('last-event-id'))).toBe('1')
    await second.evaluate((request) => request.status(403))
    await page.locator('#state', { hasText: 'closed' }).waitFor()
  })
})
