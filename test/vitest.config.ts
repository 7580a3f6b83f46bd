import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Suites that start engines, processes or thousands of sockets: one file at a time, so that none starves another. */
const system = ['browsers', 'runtimes', 'chaos', 'load', 'recipes', 'cli', 'demo', 'package'].map(
  (room) => `test/${room}/**/*.test.{ts,tsx}`,
)

export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: [...system, '**/node_modules/**'],
          restoreMocks: true,
          unstubGlobals: true,
        },
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
    ],
  },
})
