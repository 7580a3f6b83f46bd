import { median } from './measure.js'

/**
 * The same figures from several processes as one: each number is their median, and a ratio has its `range` beside it.
 * What the optimiser makes of a parser is decided once in a process, by a race of its threads: more rounds in one
 * process repeat that decision, they do not average over it.
 */
export function merge(runs) {
  const present = runs.filter((run) => run !== undefined)
  const [first] = present
  if (typeof first === 'number') return median(present)
  if (Array.isArray(first)) return first.map((_, i) => merge(present.map((run) => run[i])))
  if (typeof first !== 'object' || first === null) return first
  // One process in which a reader was wrong or too slow is enough not to time it.
  const failed = present.find(({ failure }) => failure)
  if (failed) return failed
  const merged = Object.fromEntries(Object.keys(first).map((key) => [key, merge(present.map((run) => run[key]))]))
  if (first.ratio === undefined) return merged
  const found = present.map(({ ratio }) => ratio)
  return { ...merged, range: [Math.min(...found), Math.max(...found)] }
}
