import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { build } from 'vite'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('the polyfill survives a bundler that drops what has no effect, and sets the global', async () => {
  const id = 'virtual:app'
  const app = {
    name: 'app',
    resolveId: (source: string) => (source === id ? `\0${id}` : undefined),
    load: (source: string) => (source === `\0${id}` ? `import 'unmissed/eventsource/polyfill'` : undefined),
  }
  const alias = { 'unmissed/eventsource/polyfill': `${root}dist/eventsource/polyfill.js` }
  const bundled = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    resolve: { alias },
    plugins: [app],
    build: { write: false, minify: false, rollupOptions: { input: id, output: { format: 'iife' } } },
  })
  const [{ output }] = [bundled].flat() as { output: { code: string }[] }[] as [{ output: [{ code: string }] }]
  const page = { EventTarget, Event, Request, URL, AbortController, TextDecoder, TextEncoder }
  runInNewContext(output[0].code, page)
  expect(Object.keys(page)).not.toContain('EventSource')
  expect(Object.getOwnPropertyDescriptor(page, 'EventSource')).toMatchObject({ writable: true, configurable: true })
})
