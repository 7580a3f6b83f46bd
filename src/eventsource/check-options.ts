import { fault } from '../check/check.ts'
import {
  anything,
  bound,
  callable,
  factor,
  headersInit,
  milliseconds,
  object,
  or,
  type Rules,
  statuses,
  string,
} from '../check/rules.ts'
import type { EventSourceInit } from './init.ts'

/** As with `connect`: the production build leaves this out. */

const INIT: Rules = {
  // A boolean of Web IDL, which may be given as anything.
  withCredentials: anything,
  headers: or(callable, headersInit),
  fetch: callable,
  baseURL: anything,
  lastEventId: string,
  idleTimeout: bound,
  retry: object,
  maxEventSize: bound,
}

const RETRY: Rules = {
  base: milliseconds,
  max: bound,
  factor,
  statuses,
  random: callable,
}

/** What nobody else has, so that no other library's option is mistaken for it. */
const MEANT = { credentials: 'withCredentials: true', baseUrl: 'baseURL' }

/** Throws for what `EventSource` cannot mean. A dictionary may hold what nobody knows: only what resembles ours is a mistake. */
export function checkInit(init: EventSourceInit): void {
  const { retry } = init
  const wrong =
    fault('EventSource', init, INIT, { unknown: true, meant: MEANT }) ??
    (retry && fault('EventSource: retry', retry, RETRY))
  if (wrong) throw new TypeError(wrong)
}
