import type { Parser } from '../protocol/parser.ts'
import { after } from './delay.ts'
import { ConnectError } from './errors.ts'

export interface ReadOptions {
  /** Called before the parser gets a chunk. */
  onChunk: () => void
  /** Called when all listeners of a chunk's events ran, or one of them stopped us. */
  onRead: () => void
  /** A promise of room, where the consumer is behind. */
  full: () => Promise<unknown> | undefined
  /** Given a function that compares the clock with the last byte, for when the machine has slept. */
  onWatch: (check: () => void) => void
  /** After how many silent milliseconds the body is given up; 0 or Infinity for never. */
  idle: number
  unref: boolean | undefined
}

/** Feeds a body to a parser until its end; throws when it breaks, falls silent or the signal aborts. Leaves no body open. */
export async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  parser: Parser,
  turn: AbortController,
  { onChunk, onRead, full, onWatch, idle, unref }: ReadOptions,
): Promise<void> {
  const { signal } = turn
  const reader = body.getReader()
  let heard = Date.now()
  let reading = true
  let disarm: (() => void) | undefined
  let unblock: (() => void) | undefined

  // Cancelling ends a pending read everywhere, also where a custom fetch forgot the signal; its promise may never settle.
  function cancel() {
    reader.cancel(signal.reason).catch(() => {})
    unblock?.()
  }
  function check() {
    const now = Date.now()
    // A clock that was set back starts anew; while nobody reads, the silence is ours.
    if (!reading || now < heard) heard = now
    if (now - heard < idle) arm()
    else turn.abort(new ConnectError('timeout-idle', `No byte came for ${idle} ms.`, true))
  }
  function arm() {
    disarm?.()
    disarm = after(heard + idle - Date.now(), check, unref)
  }
  signal.addEventListener('abort', cancel)
  try {
    if (signal.aborted) throw signal.reason
    if (idle > 0 && idle < Infinity) {
      onWatch(check)
      arm()
    }
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => {
        throw new ConnectError('network', `The stream broke: ${(cause as Error)?.message}`, true, { cause })
      })
      if (signal.aborted) throw signal.reason
      if (done) return parser.end()
      heard = Date.now()
      onChunk()
      try {
        parser.push(value)
      } finally {
        onRead()
      }
      for (let room = full(); room; room = full()) {
        reading = false
        const blocked = room
        await new Promise<void>((resolve) => {
          unblock = resolve
          blocked.then(() => resolve())
        })
        if (signal.aborted) throw signal.reason
        reading = true
        heard = Date.now()
      }
    }
  } finally {
    disarm?.()
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}
