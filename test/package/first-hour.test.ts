import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { firstHour } from '../docs/first-hour.ts'
import { root } from '../docs/snippets.ts'
import { type Packed, pack, unpack, write } from './packed.ts'

let packed: Packed
beforeAll(() => {
  packed = pack()
})
afterAll(() => packed.remove())

test('who follows the guide with a new Vite app sees an answer survive a reload, asked for once', async () => {
  const folder = join(packed.folder, 'chat')
  unpack(packed, folder)
  // What `npm create vite` makes of it; `npm run company` takes that itself.
  write(folder, {
    'package.json': '{ "private": true, "type": "module" }',
    'index.html':
      '<!doctype html><title>chat</title><div id="app"></div><script type="module" src="/src/main.js"></script>',
  })
  symlinkSync(join(root, 'node_modules/vite'), join(folder, 'node_modules/vite'))
  const { before, shown, asked, mistakes } = await firstHour(folder)
  const whole = Array.from({ length: 50 }, (_, n) => `token ${n + 1}`).join(' ')
  expect(before).toMatch(/^token 1 .*token 10/)
  expect(shown.trim()).toBe(whole)
  expect(asked).toEqual(['POST', 'GET'])
  expect(mistakes).toEqual([])
})
