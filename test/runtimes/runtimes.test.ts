import { afterAll, beforeAll, expect, test } from 'vitest'
import { wantedEngines } from '../engines.js'
import { serve } from './server.ts'
import { runCommand, runWorkerd } from './start.ts'

let server: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  server = await serve()
})
afterAll(() => server.close())

test.each(
  (['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'deno', 'workerd'] as const).filter((name) =>
    wantedEngines().includes(name),
  ),
)('%s', async (name) => {
  const { version, results } = name === 'workerd' ? await runWorkerd(server) : await runCommand(name, server)
  console.log(name, version, results.length)
  expect(results.filter((r) => r.error)).toEqual([])
})
