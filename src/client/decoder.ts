import type { ServerSentEvent } from '../protocol/event.ts'
import { ConnectError } from './errors.ts'
import type { AnyEvent } from './listeners.ts'
import { decode, invalid } from './schema.ts'
import type { Shared } from './shared.ts'

/** What a function of the caller's says of an event. What it throws is told, and the stream lives on. */
export function ask<T>({ status }: Shared, raw: ServerSentEvent, run: (raw: ServerSentEvent) => T): T | undefined {
  try {
    return run(raw)
  } catch (cause) {
    status.tell(cause instanceof ConnectError ? cause : invalid(raw, cause))
    return undefined
  }
}

/** Reads events as the caller wants them; missing where it wants them as they are. */
export function decoder(shared: Shared): ((raw: ServerSentEvent) => AnyEvent | undefined) | undefined {
  const { parse, schemas } = shared.options
  return parse || schemas ? (raw) => ask(shared, raw, () => decode(raw, parse, schemas)) : undefined
}
