import type { EventOf } from '../connect.ts'
import type { AttemptInfo } from '../options.ts'
import type { StreamOptions, StreamState, StreamUrl } from './options.ts'

// A store knows the types of its events by name only; the hooks above it know the map.
type Events = Record<string, unknown>
export type AnyEvent = EventOf<Events>
export type StoreOptions = StreamOptions<Events, string, unknown, unknown>
export type StoreState = StreamState<Events, string, unknown>

/** The options of the moment, and the URL. */
export type Live = StoreOptions & { url: StreamUrl }

/** Puts options together: what is given later counts, and `undefined` is not given. */
export function merge<Options extends object>(...all: readonly (Options | undefined)[]): Options {
  const merged: Record<string, unknown> = {}
  for (const options of all)
    for (const [name, value] of Object.entries(options ?? {})) if (value !== undefined) merged[name] = value
  return merged as Options
}

/** What an address, or headers, are asked with where there is no attempt. */
export const BEFORE: AttemptInfo = { attempt: 1, lastEventId: '' }

/** Whether there is to be a stream. */
export const isOn = ({ url, enabled }: Live): boolean => !!url && enabled !== false

/** Whether each request has an answer of its own, and perhaps a price: it is not made twice unasked. */
export const isUnique = ({ method = 'GET', body }: Live): boolean => body != null || !/^(get|head)$/i.test(`${method}`)

/**
 * Tells streams apart: with another id it is another stream, and all else may change. What has no text of its own (a form,
 * a blob) is not compared.
 */
export const streamId = ({ key, url, method, body, event }: Live, types: unknown = event): string =>
  [key, url, method, body, types].join('\n')

/** A state as its component wants to see it. */
export const selected = (state: StoreState, { select }: Live): StoreState =>
  select ? { ...state, data: select(state.data, state.event) } : state
