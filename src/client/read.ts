import type { Parser } from '../protocol/parser.ts'
import { later } from './delay.ts'
import { ConnectError } from './errors.ts'
import { fail, heed, type Turn } from './turn.ts'

export interface ReadOptions {
  /** Called before the parser gets a chunk. */
  onChunk: () => void
  /** Called when the listeners of a chunk's events ran, or one of them stopped us. */
  onRead: () => void
  /** A promise of room, while the consumer is behind. */
  full: () => Promise<unknown> | undefined
  /** Given what compares the clock with the last byte, for when the machine has slept. */
  onWatch: (check: () => void) => void
  /** After how many silent milliseconds the body is given up; 0 for never. */
  idle: number
  unref: boolean | undefined
}

/** Feeds a body to a parser until its end; throws when it breaks, falls silent or the signal aborts. Leaves no body open. */
export async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  parser: Parser,
  turn: Turn,
  { onChunk, onRead, full, onWatch, idle, unref }: ReadOptions,
): Promise<void> {
  const { signal } = turn
  const reader = body.getReader()
  let heardAt = Date.now()
  let blocked = false
  let disarm: (() => void) | undefined
  let unblock: (() => void) | undefined

  // Cancelling ends a pending read everywhere, also where a custom fetch forgot the signal; its promise may never settle.
  function cancel() {
    disarm?.()
    unblock?.()
    reader.cancel().catch(() => {})
  }
  /** Compares the clock, because timers stop while a machine sleeps. */
  function check() {
    const now = Date.now()
    // While nobody takes what we have, the silence is ours; a clock that was set back starts anew.
    if (blocked || now < heardAt) heardAt = now
    disarm?.()
    if (now - heardAt < idle) disarm = later(heardAt + idle - now, check, unref)
    else fail(turn, new ConnectError('timeout-idle', `No byte in ${idle} ms`))
  }
  signal.addEventListener('abort', cancel)
  try {
    heed(signal)
    if (idle > 0) {
      onWatch(check)
      check()
    }
    for (;;) {
      let chunk: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>
      try {
        chunk = await reader.read()
      } catch (cause) {
        throw new ConnectError('network', 'The stream broke', true, { cause })
      }
      heed(signal)
      if (chunk.done) return parser.end()
      // Asking the clock for each chunk would be felt, too.
      if (idle > 0) heardAt = Date.now()
      onChunk()
      try {
        parser.push(chunk.value)
      } finally {
        onRead()
      }
      for (let room = full(); room; room = full()) {
        const freed = room
        blocked = true
        await new Promise<unknown>((resolve) => {
          unblock = () => resolve(undefined)
          freed.then(resolve)
        })
        heed(signal)
        blocked = false
        heardAt = Date.now()
      }
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}
