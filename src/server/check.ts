import { type CheckOptions, fault } from '../check/check.ts'
import type { Rules } from '../check/rules.ts'
import { UnmissedError } from '../protocol/errors.ts'
import { isPromise } from './promise.ts'

/** What is thrown for an option, an audience or a grant that cannot be meant. It names the place, and says what may stand there. */
export class OptionError extends UnmissedError<'invalid-option'> {
  override name = 'OptionError'

  constructor(message: string) {
    super('invalid-option', message)
  }
}

/** What a callback that says yes or no has answered. Throws for a promise, which would be a yes, whatever it says later. */
export function isYes(answer: unknown, whose: string): boolean {
  if (isPromise(answer)) {
    throw new OptionError(`${whose} answers true or false at once, not with a promise`)
  }
  return Boolean(answer)
}

/** Checks what somebody gave against what it may be. */
export function check(whose: string, given: unknown, rules: Rules, options?: CheckOptions): void {
  const wrong = fault(whose, given, rules, options)
  if (wrong) throw new OptionError(wrong)
}
