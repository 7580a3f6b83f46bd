import { fault } from '../../check/check.ts'
import { anything, bound, callable, flag, or, type Rules, text, texts } from '../../check/rules.ts'
import { CONNECT, checkParts, checkUrl, MEANT, refuse } from '../check-options.ts'
import { toAddress } from '../mistakes.ts'
import { isOn, type Live } from './live.ts'

/** As with `connect`: the production build leaves this out. */

const STREAM: Rules = {
  ...CONNECT,
  event: or(text, texts),
  select: callable,
  max: bound,
  onEvent: callable,
  key: text,
  enabled: flag,
  linger: bound,
  stop: callable,
  keepData: flag,
  reduce: callable,
  initial: anything,
}

const { onEvent: _, ...others } = MEANT
const MEANT_HERE = { ...others, onMessage: 'onEvent', onmessage: 'onEvent', events: 'event', type: 'event' }

/** Throws for what a stream of a component cannot mean. */
export function checkStream({ url, ...options }: Live): void {
  checkUrl(url)
  refuse(fault('the stream', options, STREAM, { meant: MEANT_HERE }))
  checkParts(options)
  // On a server nothing is asked, and there is no page that an address could be relative to.
  if (globalThis.document && isOn({ ...options, url } as Live) && typeof url !== 'function') toAddress(url, options)
}
