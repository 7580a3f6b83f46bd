import type { Control } from '../client/control.ts'
import { LONGEST } from '../client/delay.ts'
import { BY_FROZEN_PAGE } from '../client/environment.ts'
import type { Sharing } from '../client/handle.ts'
import { type Turn, tryOnce } from '../client/loop.ts'
import { toAddress } from '../client/mistakes.ts'
import { isSafe } from '../client/redirect.ts'
import { load } from '../client/requests.ts'
import type { Share } from '../client/share.ts'
import type { Shared } from '../client/shared.ts'
import { cut } from '../client/step.ts'
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
    turn: ((shared, control) => {
      const { url, options } = shared
      if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel) return undefined
      const address = typeof url === 'function' ? '' : toAddress(url, options).href
      const parts = ['unmissed', VERSION, name, scope, options.credentials ?? '', address]
      const settings: Settings = {
        name: JSON.stringify(parts),
        isWhole: whole,
        heartbeat: Math.min(Math.max(100, heartbeat), LONGEST),
        maxEvents,
        maxSize,
      }
      return turnOf(settings, shared, control)
    }) as Sharing as Share['turn'],
  }
}

/** Among the others, unless it is paused. */
function turnOf(settings: Settings, shared: Shared, control: Control): Turn {
  const { method = 'GET', body } = shared.options
  shared.isSafe = isSafe(`${method}`) && body == null
  let isRefused = false
  const member = new Member(settings, shared, control, () => {
    isRefused = true
    control.reconnect()
  })
  watchSleep(member, control)
  return async (shared, control, step) => {
    if (isRefused) return tryOnce(shared, control, step)
    if (member.isIn) member.again()
    else
      await load(shared, step.signal)
        .then(() => step.isCut || member.enter())
        // Its own attempts tell what is wrong, and try again; where a page may keep nothing, Firefox has no channel for it.
        .catch(() => step.isCut || member.refused())
    if (!step.isCut) await cut(step)
    if (control.pauses || control.isOver) member.leave()
  }
}

/** A page that the browser freezes is no leader, and what the others say would wait for it. */
function watchSleep(member: Member, control: Control): void {
  const page = globalThis.document as Document | undefined
  const freeze = () => member.isIn && control.pause(BY_FROZEN_PAGE)
  const thaw = () => control.unpause(BY_FROZEN_PAGE)
  page?.addEventListener('freeze', freeze)
  page?.addEventListener('resume', thaw)
  control.closed.then(() => {
    page?.removeEventListener('freeze', freeze)
    page?.removeEventListener('resume', thaw)
  })
}
