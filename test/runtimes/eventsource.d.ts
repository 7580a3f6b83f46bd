import type { ListedTest } from './harness.js'

export function clauses(EventSource: unknown): ListedTest[]
