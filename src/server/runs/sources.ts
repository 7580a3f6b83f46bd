import { events } from '../../protocol/body.ts'
import { isEventStream } from '../../protocol/content-type.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { OptionError } from '../check.ts'
import { sendAll } from '../reader/send-all.ts'
import { RunFailure } from './errors.ts'
import type { Production, Source } from './options.ts'

type Events = AsyncIterable<OutgoingEvent | string> | Iterable<OutgoingEvent | string>

/** Sends what a source gives, to its end; answers with what it returns. */
export async function pump(source: Source, production: Production): Promise<unknown> {
  if (typeof source === 'function') {
    const made = await source(production)
    return isStream(made) ? pump(made, production) : made
  }
  if (source instanceof Response) return record(source, production)
  const { signal, send } = production
  const sender = {
    signal,
    get open() {
      return !signal.aborted
    },
    send: async (event: OutgoingEvent | string) => void (await send(event)),
    close() {},
  }
  return sendAll(sender, source as Events)
}

/** Throws for what can be no source, before anything is begun. */
export function checkSource(source: unknown): asserts source is Source {
  if (typeof source === 'function' || isStream(source)) return
  if (typeof source === 'object' && source !== null && Symbol.iterator in source) return
  throw new OptionError('a run needs a function, a stream of events, or the Response of another server')
}

/** Whether it comes piece by piece: what a producer returns so is where its events come from, and no value of the run. */
function isStream(given: unknown): given is Response | AsyncIterable<OutgoingEvent | string> {
  return given instanceof Response || (typeof given === 'object' && given !== null && Symbol.asyncIterator in given)
}

async function record(response: Response, production: Production): Promise<void> {
  const { signal } = production
  const type = response.headers.get('content-type')
  if (!response.ok || !isEventStream(type)) {
    response.body?.cancel().catch(() => {})
    throw new RunFailure('not-a-stream', `what was to be recorded answered with ${response.status} and ${type}`)
  }
  for await (const { type: name, data } of events(response, { signal })) {
    await production.send(name === 'message' ? { data } : { type: name, data })
  }
}
