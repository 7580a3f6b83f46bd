import type { AttemptInfo } from '../options.ts'
import { BEFORE } from './live.ts'
import type { StreamUrl } from './options.ts'

/** The address of now. A function is asked again at each attempt, yet it is another stream only with another answer. */
export function askUrl(ask: StreamUrl | ((info: AttemptInfo) => StreamUrl)): StreamUrl {
  if (typeof ask !== 'function') return ask
  let now: unknown
  try {
    now = ask(BEFORE)
    // Only the attempts wait for it.
    Promise.resolve(now).catch(() => {})
  } catch {
    // The attempts will fail as well, and tell it.
    now = ask
  }
  const address = (info: AttemptInfo) => {
    const url = (ask as (info: AttemptInfo) => StreamUrl)(info)
    return (typeof url === 'function' ? url(info) : url) as string
  }
  return now ? Object.assign(address, { toString: () => `${now}` }) : undefined
}
