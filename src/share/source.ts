import type { ConnectError } from '../client/errors.ts'
import { Handle } from '../client/handle.ts'
import { call } from '../client/listeners.ts'
import type { ConnectOptions, Gap, Snapshot } from '../client/options.ts'
import { fromPlace, toPlace } from '../client/place.ts'
import type { Shared } from '../client/shared.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { End } from './entry.ts'
import { type Mirror, toTrouble } from './wire.ts'

/** Who is told what a real connection brings. */
export interface SourceHome {
  /** An event, and the id that the stream goes on after once it has come. */
  event(event: ServerSentEvent, id: string): void
  /** The id that it goes on after, which may come without an event. */
  moved(id: string): void
  gap(gap: Gap): void
  opened(isRun: boolean): void
  changed(snapshot: Snapshot): void
  trouble(error: ConnectError): void
  ended(end: End): void
}

/** A real connection with the options of this tab, from a place on: of the leader's, or of one that catches up. */
export function openSource(shared: Shared, id: string, mirror: Mirror | undefined, home: SourceHome): Handle {
  const { url, options, cursors } = shared
  const { cursor } = options
  let last = id
  const inner: ConnectOptions = {
    ...options,
    ...{ share: undefined, signal: undefined, deadline: undefined, pauseWhenHidden: undefined, lastEventId: undefined },
    ...{ parse: undefined, schemas: undefined, idempotencyKey: mirror?.key ?? shared.key },
    resume: {
      load: () => toPlace(id, cursors.resource),
      save: (place) => home.moved(fromPlace(place)[0]),
    },
    // Asked once for each event, before it is given to whoever listens.
    cursor:
      cursor &&
      ((event) => {
        const found = cursor(event)
        last = found ?? last
        return found
      }),
    onOpen(response) {
      home.opened(/\brun\b/.test(`${response.headers.get('unmissed')}`))
      call(options.onOpen, response)
    },
    onState: (snapshot) => home.changed(snapshot),
    onError: (error) => home.trouble(error),
    onGap: (gap) => home.gap(gap),
  }
  const handle = new Handle(url, inner, mirror?.retry)
  handle.on((event: ServerSentEvent) => home.event(event, cursor ? last : event.id))
  handle.closed.then((reason) => {
    const { error, outcome } = handle.snapshot
    home.ended({ reason, outcome, error: toTrouble(error) })
  })
  return handle
}
