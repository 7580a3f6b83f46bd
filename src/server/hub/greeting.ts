import { encode } from '../../protocol/encode.ts'
import type { Metrics } from '../metrics.ts'
import { sizeOf } from '../reader/bytes.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import type { Start } from './arrivals.ts'
import type { HubOptions } from './options.ts'

/**
 * What a reader is told first, if anything: when to return, and who it is. One that has nothing yet is told where it begins,
 * too: cut off before its first event, it resumes from there.
 */
export function greetingFor(
  { id: client, lastEventId: asked }: HubSubscriber,
  { id, snapshot }: Start,
  { retry, connected }: HubOptions,
): string {
  if (asked && retry === undefined && !connected) return ''
  return encode({
    id: asked ? undefined : id,
    retry,
    ...snapshot,
    ...(connected && { type: connected === true ? 'connected' : connected, data: { client, time: Date.now() } }),
  })
}

/** Answers a reader's request, and says with the head what is small of the greeting; returns what is left to be told. */
export function answer(
  subscriber: HubSubscriber,
  start: Start,
  head: Record<string, string>,
  options: HubOptions,
  metrics: Metrics,
): string {
  const { exchange } = subscriber
  const greeting = greetingFor(subscriber, start, options)
  // A snapshot may be more than is taken at once: it waits as all else does.
  const early = start.snapshot ? '' : greeting
  exchange.owner = subscriber
  exchange.open(head, early)
  exchange.skipBody()
  if (early) metrics.wrote(sizeOf(early), 1, undefined)
  // A socket of its own takes the head at the end of this turn; anywhere else it may be that nobody reads it.
  if (!exchange.socket && exchange.held > 0) subscriber.watch()
  return early ? '' : greeting
}
