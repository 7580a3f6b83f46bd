import { UnmissedError } from '../protocol/errors.ts'
import type { Parser } from '../protocol/parser.ts'
import type { Consumers } from './consumers.ts'
import { ConnectError } from './errors.ts'
import { throwIfAborted } from './step.ts'
import type { Watchdog } from './watchdog.ts'

/** Thrown out of a parser by whoever can take no more for now. */
export const FULL = Symbol('full')

/** How many bytes a parser gets at once that may be stopped: each time it goes on, it looks at all that it has. */
const PIECE = 4096

type Bytes = Uint8Array<ArrayBuffer>

export interface ReadOptions {
  readonly signal: AbortSignal
  readonly consumers: Consumers
  readonly watchdog: Watchdog | undefined
  /** Called before the parser gets a chunk. */
  onChunk(): void
  /** Called when the listeners of what it got ran, or one of them stopped us. */
  onRead(): void
}

/** Feeds a body to a parser until its end; throws when it breaks, or the signal aborts. Leaves no body open. */
export async function read(body: ReadableStream<Bytes>, parser: Parser, options: ReadOptions): Promise<void> {
  const { signal, watchdog } = options
  const reader = body.getReader()
  // Cancelling ends a pending read everywhere, also where a custom fetch forgot the signal; its promise may never settle.
  const cancel = () => {
    watchdog?.stop()
    reader.cancel().catch(() => {})
  }
  signal.addEventListener('abort', cancel)
  try {
    throwIfAborted(signal)
    await feed(reader, parser, options)
  } catch (cause) {
    if (signal.aborted || cause instanceof UnmissedError) throw cause
    throw new ConnectError('network', 'The stream broke', true, { cause })
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

async function feed(reader: ReadableStreamDefaultReader<Bytes>, parser: Parser, options: ReadOptions) {
  const { signal, consumers, watchdog, onChunk, onRead } = options
  /** What of a chunk the parser has not got yet. */
  let rest: Bytes | undefined
  /** Whether the parser was stopped, and holds text that it has not looked at. */
  let isStopped = false
  for (;;) {
    if (consumers.isFull) {
      watchdog?.block(true)
      await consumers.room(signal)
      watchdog?.block(false)
    } else if (!rest && !isStopped) {
      const { value, done } = await reader.read()
      throwIfAborted(signal)
      if (done) return parser.end()
      rest = value
      // Asking the clock for each chunk would be felt, too.
      watchdog?.hear()
      onChunk()
    }
    throwIfAborted(signal)
    const piece: Bytes | undefined = isStopped ? undefined : rest && consumers.hasLoops ? beginning(rest) : rest
    if (piece) rest = piece === rest ? undefined : rest?.subarray(piece.length)
    try {
      isStopped = false
      parser.push(piece ?? '')
    } catch (reason) {
      if (reason !== FULL) throw reason
      isStopped = true
    } finally {
      onRead()
    }
  }
}

function beginning(bytes: Bytes): Bytes {
  if (bytes.length <= PIECE) return bytes
  const piece = bytes.subarray(0, PIECE)
  // At the end of a line no character is cut in two, which would slow the decoder down.
  return piece.subarray(0, piece.lastIndexOf(10) + 1 || PIECE)
}
