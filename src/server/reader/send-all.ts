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
  let leave = (): void => {}
  const left = (): void => leave()
  signal.addEventListener('abort', left)
  let source: Source | undefined
  try {
    source = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]()
    while (connection.open) {
      const asked = source
      // Not a race with one promise for all: that would keep something of each event until the reader leaves.
      const next = await new Promise<IteratorResult<OutgoingEvent | string> | undefined>((resolve, reject) => {
        leave = () => resolve(undefined)
        Promise.resolve(asked.next()).then(resolve, reject)
      })
      if (!next || next.done) break
      // One that was not taken is no error of the source's: the loop ends, as the connection has.
      await connection.send(next.value).catch((error) => {
        if (connection.open) throw error
      })
    }
  } finally {
    signal.removeEventListener('abort', left)
    connection.close()
    letGo(source)
  }
}

type Source = AsyncIterator<OutgoingEvent | string> | Iterator<OutgoingEvent | string>

// Not awaited: a generator that waits for something of its own answers only when that has come. Its errors are nobody's.
async function letGo(source: Source | undefined): Promise<void> {
  try {
    await source?.return?.()
  } catch {}
}
