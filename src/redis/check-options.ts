import { fault } from '../check/check.ts'
import { bound, callable, milliseconds, object, type Rules, text } from '../check/rules.ts'
import { UnmissedError } from '../protocol/errors.ts'

const QUEUE: Rules = { count: bound, bytes: bound, within: milliseconds }
const LOGS: Rules = { prefix: text, queue: object, onError: callable }
const LOG: Rules = { count: bound, bytes: bound, age: bound, keyLife: milliseconds }

/** Throws for options that cannot be meant. */
export function checkRedisLogs(options: { readonly queue?: unknown }): void {
  check('redisLogs', options, LOGS)
  if (options.queue !== undefined) check('queue', options.queue, QUEUE)
}

/** Throws for a log that cannot be meant. */
export function checkOpen(name: unknown, options: unknown): void {
  if (typeof name !== 'string' || !name) {
    throw new UnmissedError('invalid-option', 'open needs the name of a log, such as "news"')
  }
  try {
    encodeURIComponent(name)
  } catch {
    throw new UnmissedError('invalid-option', `the name of a log must be whole characters, not ${JSON.stringify(name)}`)
  }
  check('open', options, LOG)
}

function check(whose: string, given: unknown, rules: Rules): void {
  const wrong = fault(whose, given, rules)
  if (wrong) throw new UnmissedError('invalid-option', wrong)
}
