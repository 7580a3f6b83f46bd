import { UnmissedError } from '../../protocol/errors.ts'
import { isYes } from '../check.ts'
import type { Exchange, HubRequest, Refusal } from './exchange.ts'
import { acceptsEventStream, isCarriable, LONGEST_ID, mayWantStream, utf8 } from './headers.ts'

/** Which methods get a stream: POST too, for clients that put their question in a body. */
export const METHODS: readonly string[] = ['GET', 'POST']

/**
 * Which requests are for a stream. `'lenient'`: all but those for a page (`text/html`), so that clients get theirs that ask
 * for JSON; `'strict'`: those whose `Accept` allows `text/event-stream`; or a function that says.
 */
export type Negotiate = 'lenient' | 'strict' | ((request: HubRequest) => boolean)

/** What is thrown where somebody else has answered. */
export function used(): UnmissedError {
  return new UnmissedError('cannot-stream', 'the response was used before: accept must be the first to write to it')
}

/** Why HTTP itself gives a request no stream, if it does. Throws where something else has answered already. */
export function judge(
  exchange: Exchange,
  {
    methods = METHODS,
    negotiate = 'lenient',
  }: { methods?: readonly string[] | undefined; negotiate?: Negotiate | undefined },
): Refusal | undefined {
  if (exchange.answered) throw used()
  const { method } = exchange
  if (method !== 'HEAD' && !methods.includes(method)) {
    const Allow = [...methods, 'HEAD'].join(', ')
    return { status: 405, message: `use ${Allow}`, headers: { Allow } }
  }
  if (!isForStream(exchange, negotiate)) {
    return { status: 406, message: 'this is a stream of events: ask for it with Accept: text/event-stream' }
  }
  if (lastEventId(exchange) === undefined) {
    return { status: 400, message: `a last event id has at most ${LONGEST_ID} characters, none of them a control` }
  }
  return undefined
}

/** RFC 9110 §9.3.2: HEAD is answered as GET would be, without the content. */
export function headOnly({ method }: Exchange, headers: Record<string, string>): Refusal | undefined {
  return method === 'HEAD' ? { status: 200, headers } : undefined
}

/** What the reader asks to resume after: `''` for nothing, `undefined` where it cannot be an id. */
export function lastEventId(exchange: Exchange): string | undefined {
  const id = utf8(exchange.header('last-event-id') ?? '') || (exchange.query('lastEventId') ?? '')
  return isCarriable(id) ? id : undefined
}

function isForStream(exchange: Exchange, negotiate: Negotiate): boolean {
  if (typeof negotiate === 'function') return isYes(negotiate(exchange), 'negotiate')
  const accept = exchange.header('accept')
  return negotiate === 'strict' ? acceptsEventStream(accept) : mayWantStream(accept, exchange.method)
}
