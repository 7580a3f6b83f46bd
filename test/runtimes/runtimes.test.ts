import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserName, launch } from '../browsers/browser.ts'
import { wantedEngines } from '../engines.js'
import { settle } from './record.ts'
import { serve } from './server.ts'
import { type Result, runCommand, runPage, runWorkerd, SCOPES } from './start.ts'

let server: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  server = await serve()
})
afterAll(() => server.close())

const wanted = new Set<string>(wantedEngines())

describe('the one list of tests', () => {
  const commands = [
    ['node-20', 'Node.js'],
    ['node-22', 'Node.js'],
    ['node-24', 'Node.js'],
    ['node-26', 'Node.js'],
    ['bun', 'Bun'],
    ['deno', 'Deno'],
  ] as const
  for (const [engine, name] of commands)
    test.runIf(wanted.has(engine))(`is kept by ${engine}`, async () => {
      settle(engine, name, await runCommand(engine, server))
    })

  test.runIf(wanted.has('workerd'))('is kept by workerd', async () => {
    settle('workerd', 'workerd', await runWorkerd(server))
  })
})

/** What each browser's own EventSource makes of the clauses, for the question at the end. */
const natives = new Map<string, Result[]>()

describe.each<[BrowserName, string]>([
  ['chromium', 'Chromium'],
  ['firefox', 'Firefox'],
  ['webkit', 'WebKitGTK'],
])('%s', (engine, name) => {
  const runs = test.runIf(wanted.has(engine))
  let browser: Awaited<ReturnType<typeof launch>> | undefined
  afterAll(() => browser?.close())

  runs('keeps the one list in window, dedicated, shared and service worker', async () => {
    browser = await launch(engine)
    const results: Result[] = []
    for (const scope of SCOPES) results.push(...(await runPage<Result[]>(browser, scope, server)))
    settle(engine, name, { version: browser.version.split('.').slice(0, 2).join('.'), results })
  })

  runs('makes of every stream what ours makes of it, or less than the standard asks', async () => {
    browser ??= await launch(engine)
    type Compared = { name: string; spec: string; expected: unknown; ours: unknown; native: unknown }
    const compared = await runPage<Compared[]>(browser, 'differential', server)
    expect(compared.length).toBeGreaterThan(300)
    for (const { name, spec, expected, ours } of compared) expect(ours, `${name}: ${spec}`).toEqual(expected)
    const differing = compared.filter(({ ours, native }) => JSON.stringify(ours) !== JSON.stringify(native))
    // The clause that explains each difference; most of all streams must have none, or the comparison itself is broken.
    for (const { name, spec } of differing) console.info(`${engine} differs: ${name} – ${spec}`)
    expect(differing.length).toBeLessThan(compared.length / 10)
  })

  runs('has an EventSource of its own, of which the same clauses are asked', async () => {
    browser ??= await launch(engine)
    const results = await runPage<Result[]>(browser, 'native', server)
    natives.set(engine, results)
    const failed = results.filter(({ error }) => error !== undefined)
    for (const { name } of failed) console.info(`${engine} differs: ${name}`)
    expect(failed.length).toBeLessThan(results.length / 10)
  })
})

test.runIf(['chromium', 'firefox', 'webkit'].every((engine) => wanted.has(engine)))(
  'each clause that ours keeps is kept by a browser too: we read the standard as its makers do',
  () => {
    const all = [...natives.values()]
    expect(all).toHaveLength(3)
    const names = all[0]?.map(({ name }) => name) ?? []
    const lonely = names.filter((name) => all.every((results) => results.find((result) => result.name === name)?.error))
    expect(lonely).toEqual([])
  },
)
