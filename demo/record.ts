/** `npm run demo:record`: the tour of the demo as a short animation for the README, demo/tour.png, made in a real Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { CHROMIUM } from '../test/browsers/chromium.ts'
import { animate } from './apng.ts'
import { buildPage } from './build.ts'
import { startFront } from './server/front.ts'

const FILE = fileURLToPath(new URL('tour.png', import.meta.url))
/** One picture in so many milliseconds, and how long the last one stays. */
const PACE = 800
const STAYS = 4000

const folder = mkdtempSync(join(tmpdir(), 'unmissed-tour-'))
await buildPage(folder)
const front = await startFront({ folder })
const browser = await chromium.launch(CHROMIUM())
try {
  const page = await browser.newPage({ viewport: { width: 720, height: 600 } })
  await page.goto(front.url)
  await page.locator('.server[data-state=up]').nth(1).waitFor()
  const { y = 0, height = 0 } = (await page.locator('.hero').boundingBox()) ?? {}
  const clip = { x: 0, y: y - 8, width: 720, height: height + 16 }
  const pictures: Buffer[] = []
  await page.locator('#tour').click()
  for (let over = false; !over; ) {
    const next = Date.now() + PACE
    over = await page.locator('#tour').isEnabled()
    pictures.push(await page.screenshot({ clip }))
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - Date.now())))
  }
  const file = animate(pictures, PACE, STAYS)
  writeFileSync(FILE, file)
  console.log(`demo/tour.png: ${pictures.length} pictures, ${Math.round(file.length / 1000)} kB`)
} finally {
  await browser.close()
  await front.close()
  rmSync(folder, { recursive: true, force: true })
}
