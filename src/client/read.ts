import { UnmissedError } from '../protocol/errors.ts'
import type { Parser } from '../protocol/parser.ts'
import type { Cursors } from './cursors.ts'
import { ConnectError } from './errors.ts'
import type { Shared } from './shared.ts'
import { throwIfAborted } from './step.ts'
import { trace } from './trace.ts'

/** Thrown out of a parser by whoever can take no more for now. */
export const FULL = Symbol('full')

/** How many bytes a parser gets at once that may be stopped: each time it goes on, it looks at all that it has. */
const PIECE = 4096

/** How many functions away the caller's code may wait for `opened`, and still hear the first event. */
const TICKS = 10

type Bytes = Uint8Array<ArrayBuffer>

/** Feeds a body to a parser until its end; rejects when it breaks, or the signal aborts. Leaves no body open. */
export function read(body: ReadableStream<Bytes>, parser: Parser, shared: Shared, signal: AbortSignal): Promise<void> {
  const reader = body.getReader()
  // Cancelling ends a pending read everywhere, also where a custom fetch forgot the signal; its promise may never settle.
  const cancel = () => {
    shared.watchdog?.stop()
    reader.cancel().catch(() => {})
  }
  signal.addEventListener('abort', cancel)
  return feed(reader, parser, shared, signal)
    .catch((cause) => {
      if (signal.aborted || cause instanceof UnmissedError) throw cause
      throw new ConnectError('network', 'the stream broke', true, { where: shared.where, cause })
    })
    .finally(() => {
      signal.removeEventListener('abort', cancel)
      cancel()
    })
}

async function feed(
  reader: ReadableStreamDefaultReader<Bytes>,
  parser: Parser,
  { consumers, cursors, health, watchdog, bodies, status }: Shared,
  signal: AbortSignal,
) {
  if (bodies === 1) for (let tick = 0; tick < TICKS; tick++) await undefined
  /** What of a chunk the parser has not got yet. */
  let rest: Bytes | undefined
  /** Whether it was stopped, and holds text that it has not looked at. */
  let isStopped = false
  for (;;) {
    throwIfAborted(signal)
    if (consumers.isFull) {
      watchdog?.block(true)
      trace(() => [status, 'reads no more: a loop has as many events as may wait'])
      await consumers.room(signal)
      watchdog?.block(false)
      trace(() => [status, 'reads on'])
    } else if (isStopped) isStopped = !push(parser, '', cursors)
    else if (rest) {
      const piece: Bytes = consumers.hasLoops ? beginning(rest) : rest
      rest = piece === rest ? undefined : rest.subarray(piece.length)
      isStopped = !push(parser, piece, cursors)
    } else {
      const { value, done } = await reader.read()
      throwIfAborted(signal)
      if (done) return parser.end()
      rest = value
      // Asking the clock for each chunk would be felt, too.
      watchdog?.hear()
      health.hear()
    }
  }
}

/** Answers whether the parser took all of it. */
function push(parser: Parser, piece: Bytes | '', cursors: Cursors): boolean {
  try {
    parser.push(piece)
  } catch (reason) {
    if (reason !== FULL) throw reason
    return false
  } finally {
    cursors.rest()
  }
  return true
}

function beginning(bytes: Bytes): Bytes {
  if (bytes.length <= PIECE) return bytes
  const piece = bytes.subarray(0, PIECE)
  // At the end of a line no character is cut in two, which would slow the decoder down.
  return piece.subarray(0, piece.lastIndexOf(10) + 1 || PIECE)
}
