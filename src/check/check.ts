import { nearest } from './nearest.ts'
import { object, type Rules } from './rules.ts'

/** How strictly something is checked, and what may help whoever is wrong. */
export interface CheckOptions {
  /** Whether what is there must have a value: else `undefined` counts as missing. */
  readonly present?: boolean
  /** Whether names that nobody knows may be there, as long as they resemble none. */
  readonly unknown?: boolean
  /** What is meant by names that others have for it. */
  readonly meant?: Readonly<Record<string, string>>
  /** What is said of a name that resembles none, in place of the list of all. */
  readonly hint?: string
}

/** What is wrong with what somebody gave, or nothing. What is missing is not looked at. */
export function fault(
  whose: string,
  given: unknown,
  rules: Rules,
  { present = false, unknown: tolerated = false, meant = {}, hint }: CheckOptions = {},
): string | undefined {
  if (!object.is(given)) return `${whose}: expected an object, got ${show(given)}`
  for (const [name, value] of Object.entries(given as object)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule) {
      if (!rule.is(value) && (value !== undefined || present))
        return `${whose}: ${name} must be ${rule.must}, not ${show(value)}`
      continue
    }
    const shown = JSON.stringify(name.slice(0, 60))
    const other = Object.hasOwn(meant, name) ? meant[name] : nearest(name, Object.keys(rules))
    if (other) return `${whose} has no ${shown}: did you mean ${other}?`
    if (!tolerated) return `${whose} has no ${shown}: ${hint ?? `there are ${Object.keys(rules).join(', ')}`}`
  }
  return undefined
}

/** A value as a message shows it. */
function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  // JSON has no NaN.
  if (typeof value === 'number') return String(value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return `a ${typeof value}`
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 60)
  } catch {
    return `a ${typeof value}`
  }
}
