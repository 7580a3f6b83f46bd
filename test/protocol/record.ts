import { createParser, type ParserOptions } from '../../src/index.ts'
import type { Call } from '../helpers/plain-parser.ts'

export type Chunk = Uint8Array | string

/** A parser whose calls are written down, in their order, each before `after` runs. */
export function recorder(
  options: Pick<ParserOptions, 'lastEventId' | 'maxEventSize' | 'flush'> = {},
  after: () => void = () => {},
) {
  const calls: Call[] = []
  function note(call: Call) {
    calls.push(call)
    after()
  }
  const parser = createParser({
    ...options,
    onEvent: ({ type, data, id }) => note(['event', { type, data, id }]),
    onId: (id) => note(['id', id]),
    onRetry: (milliseconds) => note(['retry', milliseconds]),
    onComment: (text) => note(['comment', text]),
  })
  return { calls, parser }
}

/** All that a parser calls for these chunks, the end of the body included. */
export function record(chunks: Iterable<Chunk>, options?: Parameters<typeof recorder>[0]): Call[] {
  const { calls, parser } = recorder(options)
  for (const chunk of chunks) parser.push(chunk)
  parser.end()
  return calls
}

/** What a test compares and prints: one string, because a deep comparison per cut would take most of the time. */
export function print(calls: readonly Call[]): string {
  return JSON.stringify(calls)
}

/** The body cut at these places, which grow and lie within it. */
export function cut<Body extends Chunk>(body: Body, places: readonly number[]): Body[] {
  const chunks: Body[] = []
  let from = 0
  for (const place of [...places, body.length]) {
    chunks.push(slice(body, from, place))
    from = place
  }
  return chunks
}

export function slice<Body extends Chunk>(body: Body, from: number, to: number): Body {
  return (typeof body === 'string' ? body.slice(from, to) : body.subarray(from, to)) as Body
}
