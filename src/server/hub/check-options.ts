import {
  bound,
  callable,
  eventType,
  flag,
  headerFields,
  milliseconds,
  object,
  or,
  type Rule,
  type Rules,
  tokens,
  wholeMilliseconds,
} from '../../check/rules.ts'
import type { Log } from '../../log/log.ts'
import { check } from '../check.ts'
import { checkLimits } from '../door/limits.ts'
import { NEGOTIATE, QUEUE_RULES } from '../reader/accept-options.ts'
import type { CloseOptions, HubOptions } from './options.ts'

const HISTORY: Rules = { count: bound, bytes: bound, age: bound, perTopic: bound, keys: bound }

/** So many places are an id of at most a kilobyte. */
const MOST_LOGS = 64

/** One log, or several: each once, since its events would come twice. */
export const isLog: Rule = {
  is: (value) => (Array.isArray(value) ? areLogs(value) : isOneLog(value)),
  must: `a log, such as memoryLogs().open("news"), or 1 to ${MOST_LOGS} of different names`,
}

function isOneLog(value: unknown): value is Log {
  return object.is(value) && typeof (value as { append?: unknown }).append === 'function'
}

function areLogs(values: readonly unknown[]): boolean {
  const names = new Set(values.map((value) => isOneLog(value) && value.name))
  return values.length > 0 && values.length <= MOST_LOGS && values.every(isOneLog) && names.size === values.length
}

/** What is said of readers, whatever they read. */
export const READER_RULES: Rules = {
  ...QUEUE_RULES,
  authorizeTimeout: milliseconds,
  logTimeout: milliseconds,
  heartbeat: milliseconds,
  ping: eventType,
  retry: wholeMilliseconds,
  cors: { is: (value) => value !== null, must: 'origins, or more closely { origins, … }' },
  limits: object,
  methods: tokens,
  negotiate: NEGOTIATE,
  headers: headerFields,
  hookTimeout: milliseconds,
  onConnect: callable,
  onDisconnect: callable,
  onRefuse: callable,
}

const RULES: Rules = {
  ...READER_RULES,
  authorize: callable,
  history: or(bound, object),
  log: isLog,
  connected: or(flag, eventType),
  slow: {
    is: (value) =>
      ['disconnect', 'drop-oldest', 'drop-newest'].includes(value as string) ||
      (object.is(value) && typeof (value as { latest?: unknown }).latest === 'function'),
    must: '"disconnect", "drop-oldest", "drop-newest" or { latest: (event) => key }',
  },
  maxDuration: milliseconds,
  onGap: callable,
  onDrop: callable,
  onPublish: callable,
}

/** Throws when the hub is made, not when its first reader comes. */
export function checkHubOptions(options: unknown): void {
  check('createHub', options, RULES)
  const { history, limits } = options as HubOptions
  if (typeof history === 'object') check('history', history, HISTORY)
  if (limits) checkLimits(limits)
}

/** Throws before anything is closed. */
export function checkCloseOptions(options: CloseOptions): void {
  check('close', options, { within: milliseconds, retry: wholeMilliseconds })
}
