import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { LIMITS } from './limits.ts'
import type { Report, Result } from './start.ts'
import { type Row, readResults } from './table.js'

/** The order of the README's rows. */
const ORDER = ['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'deno', 'workerd', 'chromium', 'firefox', 'webkit']

export const CAPABILITIES = ['parse', 'connect', 'resume', 'backoff', 'abort', 'POST', 'backpressure', 'EventSource']

/** The limits that a run met; fails at a test that failed without one, and where a capability was not tried at all. */
export function limitsOf(engine: string, results: readonly Result[]): string[] {
  expect([...new Set(results.map(({ capability }) => capability))].sort()).toEqual([...CAPABILITIES].sort())
  const met = new Set<string>()
  const unexplained = results.filter(({ capability, name, error }) => {
    if (error === undefined) return false
    const explained = Object.entries(LIMITS).find(
      ([, limit]) => limit.engine === engine && limit.capability === capability && limit.tests.includes(name),
    )
    if (explained) met.add(explained[0])
    return explained === undefined
  })
  expect(unexplained).toEqual([])
  return [...met].sort()
}

/**
 * Holds what a run showed against results.json: a newer engine may do more than is written there, none may do less. With
 * UNMISSED_RECORD=1 it is written instead.
 */
export function settle(engine: string, name: string, { version, results }: Report): void {
  const limits = limitsOf(engine, results)
  const recorded = readResults()
  if (process.env['UNMISSED_RECORD']) {
    const sometimes = Object.entries(LIMITS).filter(([, limit]) => limit.engine === engine && limit.sometimes)
    const told = [...new Set([...limits, ...sometimes.map(([id]) => id)])].sort()
    const rows = [...recorded.rows.filter((row) => row.engine !== engine), { engine, name, version, limits: told }]
    rows.sort((one, other) => ORDER.indexOf(one.engine) - ORDER.indexOf(other.engine))
    const used = Object.entries(LIMITS).filter(([id]) => rows.some((row) => row.limits.includes(id)))
    const notes = Object.fromEntries(
      used.map(([id, { capability, note, missing }]) => [id, { capability, note, missing }]),
    )
    const text = JSON.stringify({ capabilities: CAPABILITIES, rows, notes }, null, 2)
    writeFileSync(fileURLToPath(new URL('results.json', import.meta.url)), `${text}\n`)
    return
  }
  const row: Row | undefined = recorded.rows.find((row) => row.engine === engine)
  expect(row, `${engine} is not in results.json: run "npm run runtimes"`).toBeDefined()
  expect(limits.filter((limit) => !row?.limits.includes(limit))).toEqual([])
}
