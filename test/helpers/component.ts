import { afterEach, beforeEach, expect, vi } from 'vitest'
import { createMockServer, type MockServer } from '../../src/testing/index.ts'

export const URL = 'https://example.test/events'

/** A server for the length of one test, and nothing may be left of it, or be warned of, at the end. */
export let server: MockServer
export const warnings = vi.fn()

let undo: (() => unknown) | undefined

/** What takes the test's component away: at the end, or at `leave`. */
export function leaveBy(step: () => unknown): void {
  undo = step
}

export async function leave(): Promise<void> {
  const step = undo
  undo = undefined
  await step?.()
}

beforeEach(() => {
  server = createMockServer()
  warnings.mockClear()
  for (const method of ['warn', 'error'] as const) vi.spyOn(console, method).mockImplementation(warnings)
})
afterEach(async () => {
  await leave()
  await new Promise((resolve) => setTimeout(resolve, 80))
  expect(server.live).toBe(0)
  expect(warnings.mock.calls).toEqual([])
})
