import { bound, callable, headerFields, milliseconds, type Rule, type Rules, tokens } from '../../check/rules.ts'
import { check } from '../check.ts'

/** What `negotiate` may be. */
export const NEGOTIATE: Rule = {
  is: (value) => value === 'lenient' || value === 'strict' || callable.is(value),
  must: '"lenient", "strict" or a function of the request',
}

/** What `QueueOptions` may be. */
export const QUEUE_RULES: Rules = { maxQueued: bound, stallTimeout: milliseconds, onError: callable }

const RULES: Rules = {
  ...QUEUE_RULES,
  headers: headerFields,
  heartbeat: milliseconds,
  maxDuration: milliseconds,
  methods: tokens,
  negotiate: NEGOTIATE,
  next: callable,
}

export function checkAcceptOptions(options: unknown): void {
  check('accept', options, RULES)
}
