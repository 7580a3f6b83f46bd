import fc from 'fast-check'
import { test } from 'vitest'
import { properties } from './properties.ts'

// A seed of its own each time; a failure prints it, and `npm run fuzz -- --seed … --only …` repeats it.
for (const [name, property] of Object.entries(properties)) {
  test(name, { timeout: 30_000 }, () => fc.assert(property as fc.IRawProperty<unknown>, { numRuns: 1000 }))
}
