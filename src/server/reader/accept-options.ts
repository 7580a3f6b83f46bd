import { bound, callable, check, headerFields, milliseconds, type Rules, tokens } from '../check.ts'

/** What `QueueOptions` may be. */
export const QUEUE_RULES: Rules = { maxQueued: bound, stallTimeout: milliseconds, onError: callable }

const RULES: Rules = {
  ...QUEUE_RULES,
  headers: headerFields,
  heartbeat: milliseconds,
  maxDuration: milliseconds,
  methods: tokens,
  next: callable,
}

export function checkAcceptOptions(options: unknown): void {
  check('accept', options, RULES)
}
