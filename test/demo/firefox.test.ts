import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from '../../demo/build.ts'
import { startFront } from '../../demo/server/front.ts'
import { launch } from '../browsers/firefox.ts'
import { wantedEngines } from '../engines.js'

let folder: string
let front: Awaited<ReturnType<typeof startFront>>
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'unmissed-demo-'))
  await buildPage(folder)
  front = await startFront({ folder, twins: false })
})
afterAll(async () => {
  await front?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** received, lost, doubled and state of our reader. */
const OURS = `[...document.querySelectorAll('#ours td')].slice(1).map((cell) => cell.textContent).toSpliced(3, 1)`

// Chromium has all of the demo's tests; another engine shows that the page owes nothing to it.
describe.runIf(wantedEngines().includes('firefox'))('in firefox', () => {
  test('the feed runs, and a cut inside an event loses and doubles nothing', async () => {
    const browser = await launch()
    try {
      const page = await browser.open(`${front.url}/`)
      const ours = async () => {
        const [received, lost, doubled, state] = (await page.evaluate(OURS)) as string[]
        return { received: Number(received?.replaceAll(',', '')), lost, doubled, state }
      }
      const until = async (good: (row: Awaited<ReturnType<typeof ours>>) => boolean) => {
        for (;;) {
          const row = await ours()
          if (good(row)) return row
          await sleep(100)
        }
      }
      const before = await until(({ received, state }) => received > 3 && state === 'open')
      await page.evaluate(`document.querySelector('#fault-cut').click()`)
      while (!/opened 2 times/.test(`${await page.evaluate("document.querySelector('#detail').textContent")}`))
        await sleep(50)
      const after = await until(({ received, state }) => state === 'open' && received > before.received + 8)
      expect(after).toMatchObject({ lost: '0', doubled: '0' })
    } finally {
      await browser.close()
    }
  })
})
