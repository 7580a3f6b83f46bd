import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { type Browser, type BrowserName, launch, type Page } from './browser.ts'
import { bundle } from './bundle.ts'

// Reloads, cuts, pauses and redirects at any moment, in real browsers: what a page must have handled before a reload may go on
// after it, whoever of its consumers is the slowest.

const LAST = 600
const LIVES = 6

let script = ''
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Some events at a time, cut off in the middle of one, or sent elsewhere, where the same stream is. */
async function stream(request: IncomingMessage, response: ServerResponse, elsewhere: string): Promise<void> {
  const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'last-event-id' }
  if (request.method === 'OPTIONS') {
    response.writeHead(204, cors).end()
    return
  }
  if (request.url === '/events' && Math.random() < 0.3) {
    response.writeHead(307, { ...cors, location: `${elsewhere}/moved` }).end()
    return
  }
  response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' })
  response.flushHeaders()
  const until = 20 + Math.random() * 60
  let next = Number(request.headers['last-event-id'] ?? 0) + 1
  for (let sent = 0; sent < until && next <= LAST && !response.destroyed; ) {
    const count = Math.min(1 + Math.trunc(Math.random() * 12), LAST - next + 1)
    let text = ''
    for (let n = 0; n < count; n++) text += `event: tick\nid: ${next}\ndata: ${next++}\n\n`
    sent += count
    response.write(sent >= until && next <= LAST ? text.slice(0, -5) : text)
    await pause(Math.random() * 8)
  }
  if (next > LAST) response.write(':\n\n')
  else response.destroy()
}

function serverOf(elsewhere: () => string) {
  return createServer((request, response) => {
    const { url } = request
    if (url === '/events' || url === '/moved') void stream(request, response, elsewhere())
    else if (url === '/work') response.end()
    else if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>page</title><script type="module" src="/page.js"></script>')
  })
}

let base = ''
let other = ''
const servers = [serverOf(() => other), serverOf(() => base)]

beforeAll(async () => {
  script = await bundle('reloaded.js')
  const [port, foreign] = await Promise.all(servers.map((server) => listen(server)))
  base = `http://127.0.0.1:${port}`
  other = `http://127.0.0.1:${foreign}`
})
afterAll(() => Promise.all(servers.map(shut)))

/** What a consumer handled in each of the page's lives. */
async function lives(page: Page, name: string): Promise<number[][]> {
  const texts = await page.evaluate<string[]>(
    `Array.from({ length: ${LIVES} }, (_, life) => localStorage.getItem('${name} ' + life) ?? '')`,
  )
  return texts.map((text) => text.trim().split(' ').filter(Boolean).map(Number))
}

describe.each<BrowserName>(['chromium', 'firefox', 'webkit'])('%s', (name) => {
  test.runIf(wantedEngines().includes(name))(
    'misses no event over reloads, cuts, pauses and redirects',
    async () => {
      let browser: Browser | undefined
      try {
        browser = await launch(name)
        const page = await browser.open(`${base}/`)
        for (let life = 1; life < LIVES; life++) {
          for (let n = 0; n < 3; n++) {
            await pause(Math.random() * 120)
            if (Math.random() < 0.5) await page.evaluate('connection.pause(), connection.unpause()')
            else await page.evaluate('connection.reconnect()')
          }
          await page.goto(`${base}/?${life}`)
        }
        const got = async () => new Set((await lives(page, 'looped')).flat()).size
        for (let waited = 0; (await got()) < LAST; waited += 50) {
          if (waited > 30_000) {
            const { state, id } = await page.evaluate<{ state: string; id: string }>(
              '({ state: connection.state, id: connection.lastEventId })',
            )
            throw new Error(`waited in vain after ${await got()}: ${state} at ${id}`)
          }
          await pause(50)
        }
        for (const consumer of ['looped', 'heard', 'promised']) {
          const handled = async () => new Set((await lives(page, consumer)).flat()).size
          await expect.poll(handled, { message: consumer, timeout: 10_000 }).toBe(LAST)
          const all = await lives(page, consumer)
          const seen = new Set<number>()
          for (const life of all) {
            for (const [index, number] of life.entries()) {
              // In one life each once and in order; an asynchronous listener is called in order, and ends as it likes.
              if (consumer !== 'promised' && index > 0) expect(number, consumer).toBe((life[index - 1] as number) + 1)
              seen.add(number)
            }
            if (life.length > 0 && consumer !== 'promised') {
              for (let before = 1; before < (life[0] as number); before++) expect(seen.has(before), consumer).toBe(true)
            }
          }
        }
        // Else it proves nothing: the page did go on from where it was.
        const begun = (await lives(page, 'begun')).flat()
        expect(begun).toHaveLength(LIVES)
        expect(begun.at(-1)).toBeGreaterThan(0)
      } finally {
        await browser?.close()
      }
    },
    120_000,
  )
})
