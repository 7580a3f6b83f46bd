import {
  anything,
  bound,
  callable,
  flag,
  milliseconds,
  object,
  or,
  type Rule,
  type Rules,
  text,
} from '../../check/rules.ts'
import { check, OptionError } from '../check.ts'
import { checkLimits } from '../door/limits.ts'
import { READER_RULES } from '../hub/check-options.ts'
import type { RunsOptions } from './options.ts'

const isLogs: Rule = {
  is: (value) => object.is(value) && typeof (value as { open?: unknown }).open === 'function',
  must: 'logs, such as memoryLogs() or redisLogs(client)',
}
/** It is part of an address, and of a key. */
const LONGEST_ID = 256
const id: Rule = {
  is: (value) => text.is(value) && (value as string).length <= LONGEST_ID,
  must: `a string of 1 to ${LONGEST_ID} characters`,
}

const RULES: Rules = {
  ...READER_RULES,
  authorize: or({ is: (value) => value === 'anyone', must: '"anyone", where the id of a run is enough' }, callable),
  logs: isLogs,
  name: text,
  fold: object,
  keep: milliseconds,
  keepUnread: milliseconds,
  maxEvents: bound,
  maxBytes: bound,
  maxDuration: milliseconds,
  maxRunning: bound,
  maxRuns: bound,
  onLost: callable,
}

/** Throws when the runs are made, not when the first reader comes. */
export function checkRunsOptions(options: unknown): asserts options is RunsOptions {
  check('createRuns', options, RULES)
  const { authorize, limits, fold } = options as RunsOptions
  if (authorize === undefined) {
    throw new OptionError(
      'createRuns needs authorize: (request, run) => whether it may be read; or "anyone", where the id of a run is enough',
    )
  }
  if (limits) checkLimits(limits)
  if (fold) check('fold', fold, { initial: anything, reduce: callable, every: bound })
  if (fold && !fold.reduce) throw new OptionError('fold needs reduce: (state, event) => the next state')
}

export function checkId(given: unknown): void {
  check('a run', { id: given }, { id }, { present: true })
}

export function checkStart(given: unknown, options: unknown): void {
  if (given !== undefined) checkId(given)
  check('start', options, { owner: text, again: flag, stopWhenUnread: milliseconds })
}

export function checkClose(options: unknown): void {
  check('close', options, { within: milliseconds })
}
