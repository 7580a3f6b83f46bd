import { ConnectError } from '../client/errors.ts'
import type { Snapshot, State } from '../client/options.ts'
import type { Asked, Entry, Place, Trouble } from './entry.ts'

/** Part of all names: those who speak otherwise never meet. */
export const VERSION = 1

/** What the connection is, for all. */
export interface Mirror {
  readonly state: State
  readonly attempt: number
  readonly delay: number | undefined
  readonly error: Trouble | undefined
  /** Where the run is read that it began. */
  readonly location: string | undefined
  /** Whether it is one, which everybody wants from its beginning. */
  readonly isRun: boolean
  /** The server's reconnection time, in milliseconds. */
  readonly retry: number | undefined
  /** What makes the request safe to repeat. */
  readonly key: string | undefined
}

/** Where the leader stands, and what the connection is. */
interface Standing extends Place {
  readonly term: number
  readonly mirror: Mirror
}

export type Message =
  /** A tab has the lock, and asks all others what they have. */
  | ({ readonly kind: 'lead'; readonly isWhole: boolean } & Asked)
  /** What somebody has, with all that it has more; `term` is that of the last leader it knows. */
  | ({
      readonly kind: 'here'
      readonly to: string
      readonly term: number
      readonly hasJoined: boolean
      readonly mirror: Mirror | undefined
      readonly entries: readonly Entry[] | undefined
    } & Place)
  /** The leader says where it stands: at its beginning, when it is asked, and with each new state. */
  | ({ readonly kind: 'beat' } & Standing)
  /** What came. */
  | { readonly kind: 'news'; readonly term: number; readonly entries: readonly Entry[]; readonly id: string }
  | { readonly kind: 'trouble'; readonly term: number; readonly error: Trouble | undefined }
  /** A tab says where it stands, to be given what it lacks. */
  | ({ readonly kind: 'join'; readonly number: number; readonly isWhole: boolean } & Asked)
  /** What it lacks, in the end the place of the leader; no entries where that is not kept. */
  | ({
      readonly kind: 'welcome'
      readonly to: string
      readonly number: number
      readonly entries: readonly Entry[] | undefined
      /** Whether it is to have all from the beginning. */
      readonly isWhole: boolean
    } & Standing)
  | { readonly kind: 'ping' }
  /** Somebody wants a new attempt. */
  | { readonly kind: 'again' }

export type Sent = Message & { readonly version: number; readonly from: string }

/** What each message must have, by its kind: what comes over a channel may be anybody's. */
const SHAPES: Record<string, Record<string, string>> = {
  lead: { id: 'string' },
  here: { to: 'string', term: 'number', at: 'number', id: 'string' },
  beat: { term: 'number', at: 'number', id: 'string', mirror: 'object' },
  news: { term: 'number', entries: 'object', id: 'string' },
  trouble: { term: 'number', error: 'object' },
  join: { number: 'number', id: 'string' },
  welcome: { to: 'string', number: 'number', term: 'number', at: 'number', id: 'string', mirror: 'object' },
  ping: {},
  again: {},
}

/** Whether it is a message of ours. */
export function isMessage(value: unknown): value is Sent {
  const message = (value ?? {}) as Record<string, unknown>
  const { version, from, kind, entries = [] } = message
  const shape = Object.hasOwn(SHAPES, `${kind}`) ? SHAPES[`${kind}`] : undefined
  if (version !== VERSION || typeof from !== 'string' || !shape || !Array.isArray(entries)) return false
  return entries.every(isEntry) && Object.entries(shape).every(([name, type]) => isA(type, message[name]))
}

const isA = (type: string, value: unknown): boolean => typeof value === type && value !== null

function isEntry(value: unknown): boolean {
  const { at, id, event } = (value ?? {}) as Partial<Entry>
  const isEvent = !event || (isA('string', event.data) && isA('string', event.type))
  return isA('number', at) && isA('string', id) && isEvent
}

export function toTrouble(error: ConnectError | undefined): Trouble | undefined {
  if (!error) return undefined
  // Not what else somebody may have hung on it: it might not travel.
  const { code, message, retryable, status, body, event, attempt, delay } = error
  return { code, message, retryable, status, body, event, attempt, delay, headers: [...(error.headers ?? [])] }
}

export function fromTrouble(trouble: Trouble | undefined): ConnectError | undefined {
  if (!trouble) return undefined
  const { code, message, retryable, headers } = trouble
  return Object.assign(new ConnectError(code, message, retryable), trouble, { headers: new Headers(headers) })
}

export function toMirror(
  { state, attempt, delay, error }: Snapshot,
  rest: Pick<Mirror, 'location' | 'isRun' | 'key' | 'retry'>,
): Mirror {
  return { ...rest, state, attempt, delay, error: toTrouble(error) }
}
