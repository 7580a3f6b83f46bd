import { UnmissedError } from '../../protocol/errors.ts'
import type { Exchange, Refusal } from './exchange.ts'
import { acceptsEventStream, isCarriable, LONGEST_ID, utf8 } from './headers.ts'

/** Which methods get a stream: POST too, for clients that put their question in a body. */
export const METHODS: readonly string[] = ['GET', 'POST']

/** What is thrown where somebody else has answered. */
export function used(): UnmissedError {
  return new UnmissedError('cannot-stream', 'the response was used before: accept must be the first to write to it')
}

/** Why HTTP itself gives a request no stream, if it does. Throws where something else has answered already. */
export function judge(exchange: Exchange, methods: readonly string[] = METHODS): Refusal | undefined {
  if (exchange.answered) throw used()
  const { method } = exchange
  if (method !== 'HEAD' && !methods.includes(method)) {
    const Allow = [...methods, 'HEAD'].join(', ')
    return { status: 405, message: `use ${Allow}`, headers: { Allow } }
  }
  if (!acceptsEventStream(exchange.header('accept'))) return { status: 406, message: 'this is a text/event-stream' }
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
