import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createRuns, type Production } from '../../src/server/index.ts'
import { wantedEngines } from '../engines.js'
import { listen, shut } from '../helpers/listen.ts'
import { type BrowserName, inBrowser, type Page } from './browser.ts'
import { bundle } from './bundle.ts'

// An answer that outlives its page, in real browsers: reloaded in the middle, closed and opened again, cut off, read in a
// second tab, stopped from there, and left alone by a native EventSource when it is over.

const COUNT = 300
let script = ''
let base = ''
let cut = (): void => {}
const asked: string[] = []
const runs = createRuns({ authorize: 'anyone', retry: 50 })

async function produce({ send, signal }: Production): Promise<void> {
  for (let n = 1; n <= COUNT && !signal.aborted; n++) {
    await send(String(n))
    await sleep(8)
  }
}

const server = createServer(async (request, response) => {
  const { url = '', method } = request
  const [, place, id = ''] = new URL(url, 'http://a').pathname.split('/')
  if (place === 'page.js') response.setHeader('content-type', 'text/javascript').end(script)
  else if (place !== 'chat')
    response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>chat</title><script type="module" src="/page.js"></script>')
  else if (method === 'DELETE') response.writeHead((await runs.stop(id, 'enough')) ? 204 : 404).end()
  else {
    asked.push(`${method} ${url}`)
    let body = ''
    for await (const chunk of request) body += chunk
    if (method === 'POST') await runs.start(body, produce)
    await runs.handle(request, response, method === 'POST' ? body : id)
  }
})

beforeAll(async () => {
  script = await bundle('chat.js')
  const sockets = new Set<import('node:net').Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  base = `http://127.0.0.1:${await listen(server)}`
})
afterAll(async () => {
  await runs.close({ within: 0 })
  await shut(server)
})

const shown = async (page: Page, key: string) =>
  (await page.evaluate<string>(`localStorage.getItem('${key}') ?? ''`)).trim().split(' ').filter(Boolean).map(Number)
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

afterEach(() => {
  asked.length = 0
})

describe.each<BrowserName>(['chromium', 'firefox', 'webkit'])('%s', (name) => {
  const isWanted = wantedEngines().includes(name)

  test.runIf(isWanted)(
    'goes on with an answer over reloads, a closed tab and cuts, without a second question',
    () =>
      inBrowser(name, async (browser) => {
        const key = `${name}-long`
        let page = await browser.open(`${base}/?chat=${key}`)
        for (let times = 1; times <= 4; times++) {
          await expect
            .poll(async () => (await shown(page, key)).length, { timeout: 10_000 })
            .toBeGreaterThan(times * 25)
          if (times === 2) {
            await page.close()
            await sleep(300)
            page = await browser.open(`${base}/?chat=${key}`)
          } else if (times === 3) cut()
          else await page.goto(`${base}/?chat=${key}&${times}`)
        }
        await expect
          .poll(() => page.evaluate(`localStorage.getItem('${key} end')`), { timeout: 15_000 })
          .toBe('ended finished')
        // What was shown just before the page went may be shown again, as its place was not saved yet; nothing is missing.
        const numbers = await shown(page, key)
        expect([...new Set(numbers)]).toEqual(upTo(COUNT))
        expect(numbers.length).toBeLessThan(COUNT + 8)
        expect(asked.filter((one) => one === 'POST /chat').length).toBe(1)
        expect(asked.filter((one) => one.startsWith('GET')).length).toBeGreaterThanOrEqual(3)
        expect(await page.evaluate(`localStorage.getItem('${key} place')`)).toBe('')
      }),
    60_000,
  )

  test.runIf(isWanted)(
    'shows the same in a second tab, which stops it for both; a native EventSource comes, hears the end, and stays away',
    () =>
      inBrowser(name, async (browser) => {
        const key = `${name}-stopped`
        const first = await browser.open(`${base}/?chat=${key}`)
        await expect.poll(async () => (await shown(first, key)).length, { timeout: 10_000 }).toBeGreaterThan(5)
        const second = await browser.open(`${base}/?chat=${name}-other`)
        await second.evaluate(`(() => {
          globalThis.heard = []
          globalThis.source = new EventSource('/chat/${key}')
          source.onmessage = ({ data }) => heard.push(Number(data))
          source.addEventListener('outcome', ({ data }) => { globalThis.outcome = JSON.parse(data) })
        })()`)
        await expect.poll(() => second.evaluate<number>('heard.length'), { timeout: 10_000 }).toBeGreaterThan(20)
        expect(await second.evaluate(`fetch('/chat/${key}', { method: 'DELETE' }).then(({ status }) => status)`)).toBe(
          204,
        )
        await expect
          .poll(() => first.evaluate(`localStorage.getItem('${key} end')`), { timeout: 10_000 })
          .toBe('ended stopped')
        await expect
          .poll(() => second.evaluate('globalThis.outcome'), { timeout: 10_000 })
          .toEqual({ state: 'stopped', reason: 'enough' })
        // It asks once more, and is told to stay away.
        await expect.poll(() => second.evaluate('source.readyState'), { timeout: 10_000 }).toBe(2)
        const heard = await second.evaluate<number[]>('heard')
        expect(heard).toEqual(upTo(heard.length))
        expect(await shown(first, key)).toEqual(heard)
      }),
    60_000,
  )
})
