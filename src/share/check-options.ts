import { fault } from '../check/check.ts'
import { bound, flag, milliseconds, type Rules, string, text } from '../check/rules.ts'
import { ConnectError } from '../client/errors.ts'

/** As with `connect`: the production build leaves this out. */

const RULES: Rules = { scope: string, whole: flag, heartbeat: milliseconds, maxEvents: bound, maxSize: bound }

/** Throws for what sharing cannot mean. */
export function checkShared(name: unknown, options: unknown): void {
  const wrong = text.is(name) ? fault('shared', options, RULES) : `shared: the name must be ${text.must}`
  if (wrong) throw new ConnectError('invalid-option', wrong, false)
}
