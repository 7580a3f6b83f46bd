import { afterAll, beforeAll, describe, test } from 'vitest'
import { EventSource } from '../../src/eventsource/index.ts'
import { clauses } from '../runtimes/eventsource.js'
import { testApi } from '../runtimes/harness.js'
import { serve } from '../runtimes/server.ts'

let server: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  server = await serve()
})
afterAll(() => server.close())

describe('WHATWG HTML §9.2', () => {
  for (const { name, run } of clauses(EventSource))
    test.concurrent(name, { timeout: 15_000 }, async () => {
      const t = testApi(server.url)
      try {
        await run(t)
      } finally {
        for (const undo of t.undo.reverse()) undo()
      }
    })
})
