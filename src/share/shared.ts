import type { Control } from '../client/control.ts'
import { LONGEST } from '../client/delay.ts'
import { BY_FROZEN_PAGE } from '../client/environment.ts'
import type { RunShared } from '../client/handle.ts'
import { toAddress } from '../client/mistakes.ts'
import { isSafe } from '../client/redirect.ts'
import { load } from '../client/requests.ts'
import type { Share } from '../client/share.ts'
import type { Shared } from '../client/shared.ts'
import { checkShared } from './check-options.ts'
import { Member, type Settings } from './member.ts'
import { VERSION } from './wire.ts'

/** How a connection is shared. */
export interface ShareOptions {
  /** Who may hear it, such as the id of the user: connections of another scope have nothing in common. Default: everybody at this origin. */
  scope?: string | undefined
  /** Whether a tab that comes later is given all from the beginning, as it would be by a connection of its own; else what comes from then on, unless it has an id to go on after. Default: false, but true for runs. */
  whole?: boolean | undefined
  /** How long the leader may say nothing until it is asked whether it is there, in milliseconds, at least 100; without an answer it is replaced, after twice that time at most. Default: 2000. */
  heartbeat?: number | undefined
  /** The most events that each tab keeps for the others. Default: 1000. */
  maxEvents?: number | undefined
  /** The most text that each tab keeps for the others, in UTF-16 units. Default: 1048576. */
  maxSize?: number | undefined
}

/**
 * Makes a connection one for all tabs that use the same name, address and scope: one of them has it, and tells the others
 * what comes. Where a browser cannot do that each tab connects by itself.
 */
export function shared(name: string, options: ShareOptions = {}): Share {
  checkShared(name, options)
  const { scope = '', whole = false, heartbeat = 2000, maxEvents = 1000, maxSize = 2 ** 20 } = options
  return {
    name,
    run: ((shared, control, alone) => {
      const { url, options } = shared
      if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel) return alone(shared, control)
      const address = typeof url === 'function' ? '' : toAddress(url, options).href
      const parts = ['unmissed', VERSION, name, scope, options.credentials ?? '', address]
      return run(
        {
          name: JSON.stringify(parts),
          isWhole: whole,
          heartbeat: Math.min(Math.max(100, heartbeat), LONGEST),
          maxEvents,
          maxSize,
        },
        shared,
        control,
        alone,
      )
    }) as RunShared as Share['run'],
  }
}

/** The life of a connection that is shared: it is among the others unless it is paused. */
async function run(
  settings: Settings,
  shared: Shared,
  control: Control,
  alone: Parameters<RunShared>[2],
): Promise<void> {
  const { method = 'GET', body, signal } = shared.options
  shared.isSafe = isSafe(`${method}`) && body == null
  // Whoever listens before the caller's code gives way hears everything.
  await undefined
  if (signal?.aborted) control.finish('aborted')
  let isRefused = false
  const member = new Member(settings, shared, control, () => {
    isRefused = true
    control.reconnect()
  })
  // One that sleeps is no leader, and what the others say would wait for it.
  const page = globalThis.document as Document | undefined
  const freeze = () => control.pause(BY_FROZEN_PAGE)
  const thaw = () => control.unpause(BY_FROZEN_PAGE)
  page?.addEventListener('freeze', freeze)
  page?.addEventListener('resume', thaw)
  while (!control.isOver && !isRefused) {
    const step = control.begin()
    if (control.pauses) member.leave()
    else if (member.isIn) member.again()
    else
      await load(shared, step.signal)
        .then(() => step.isCut || member.enter())
        // Its own loop tells what is wrong, and tries again; where a page may keep nothing, Firefox has no channel for it.
        .catch(() => step.isCut || member.refused())
    if (!step.isCut) await new Promise((resolve) => step.signal.addEventListener('abort', resolve))
  }
  page?.removeEventListener('freeze', freeze)
  page?.removeEventListener('resume', thaw)
  member.leave()
  if (!control.isOver) await alone(shared, control)
}
