import type { OutgoingEvent } from '../../protocol/event.ts'

/** What `sendAll` needs of a connection. */
interface Sender {
  readonly open: boolean
  readonly signal: AbortSignal
  send(event: OutgoingEvent | string): Promise<void>
  close(): void
}

/**
 * Sends what a source gives, one by one, at the reader's pace. A source that waits for its next event hears that the reader
 * has left, too: its `return` is called, as when a loop is left.
 */
export async function sendAll(
  connection: Sender,
  events: AsyncIterable<OutgoingEvent | string> | Iterable<OutgoingEvent | string>,
): Promise<void> {
  const { signal } = connection
  const source = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]()
  let leave = (): void => {}
  const left = new Promise<undefined>((resolve) => {
    leave = () => resolve(undefined)
  })
  signal.addEventListener('abort', leave)
  try {
    while (connection.open) {
      const next = await Promise.race([source.next(), left])
      if (!next || next.done) break
      // One that was not taken is no error of the source's: the loop ends, as the connection has.
      await connection.send(next.value).catch((error) => {
        if (connection.open) throw error
      })
    }
  } finally {
    signal.removeEventListener('abort', leave)
    // Not awaited: a generator that waits for something of its own answers only when that has come.
    Promise.resolve(source.return?.()).catch(() => {})
    connection.close()
  }
}
