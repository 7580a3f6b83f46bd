import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { compile } from 'svelte/compiler'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Suites that start engines, processes or thousands of sockets: one file at a time, so that none starves another. */
const system = ['browsers', 'runtimes', 'chaos', 'load', 'recipes', 'cli', 'demo', 'package', 'redis'].map(
  (room) => `test/${room}/**/*.test.{ts,tsx}`,
)

/** Whole frameworks from the registry: for `npm run company` alone. */
const company = 'test/company/**/*.test.ts'

/** Suites of what lives in a page; those of React run a second time with React 18, whose packages know nothing of 19's. */
const pages = ['react', 'vue', 'svelte', 'solid'].map((room) => `test/${room}/**/*.test.{ts,tsx}`)
const react18 = fileURLToPath(new URL('../fixtures/react18/node_modules/', import.meta.url))
/** Compiles components, for the page or for a server where the import asks for one. */
const svelte = {
  name: 'svelte',
  transform(source: string, id: string) {
    const [filename, query] = id.split('?')
    if (!filename?.endsWith('.svelte')) return undefined
    return compile(source, { filename, generate: query === 'server' ? 'server' : 'client' }).js
  },
}
const page = {
  environment: './test/helpers/happy-dom.ts',
  exclude: ['**/node_modules/**'],
  restoreMocks: true,
  unstubGlobals: true,
  // Left to Node, it would be its half for servers.
  server: { deps: { inline: [/svelte/, /solid-js/] } },
}

export default defineConfig({
  root,
  test: {
    // On two cores the default is one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: [...system, ...pages, company, '**/node_modules/**'],
          restoreMocks: true,
          unstubGlobals: true,
        },
      },
      {
        root,
        plugins: [svelte],
        resolve: { conditions: ['browser'] },
        test: { ...page, name: 'unit-page', include: pages },
      },
      {
        root,
        resolve: { alias: [{ find: /^(react|react-dom)(?=$|\/)/, replacement: `${react18}$1` }] },
        test: { ...page, name: 'unit-react18', include: pages.slice(0, 1) },
      },
      {
        root,
        test: {
          name: 'system',
          include: system,
          exclude: ['**/node_modules/**'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        root,
        test: {
          name: 'company',
          include: [company],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
