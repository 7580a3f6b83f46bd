import type { Connection } from '../client/connect.ts'
import type { ConnectError } from '../client/errors.ts'
import type { ConnectOptions, Gap } from '../client/options.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { Values } from './args.ts'
import { painter } from './print.ts'
import { statusLine, type Tally } from './status.ts'
import { line, quoted } from './visible.ts'

const { stderr } = process

/** What is told on standard error beside the events: the status line, and lines above it. */
export function createNotes({ silent, verbose }: Values, tally: Tally) {
  const paint = painter(stderr)
  let status: ReturnType<typeof statusLine> | undefined
  /** The server's own account of a gap, which is an event too, but none of the stream's. */
  let account: string | undefined

  /** What a server or a runtime says is shown, never obeyed. */
  function say(text: string, colour?: number) {
    status?.clear()
    stderr.write(`${colour ? paint(colour, line(text)) : line(text)}\n`)
  }

  const callbacks = {
    onOpen({ status, headers }: Response) {
      if (!verbose) return
      say(`< ${status}`)
      for (const [name, value] of headers) say(`< ${name}: ${value}`)
    },
    onComment(text: string) {
      if (verbose) say(`: ${text}`, 2)
    },
    onError(error: ConnectError) {
      if (!silent) say(error.message, 2)
    },
    onGap({ asked, data }: Gap) {
      account = data
      say(`the server says that events after ${quoted(asked)} are lost`, 33)
    },
  } satisfies ConnectOptions

  return {
    callbacks,
    say,
    watch(connection: Connection) {
      if (stderr.isTTY && !silent) status = statusLine(connection, tally, stderr)
    },
    /** Whether an event is the account of a gap that was told. */
    isAccount({ type, data }: ServerSentEvent): boolean {
      const isIt = type === 'gap' && data === account
      if (isIt) account = undefined
      return isIt
    },
    /** Makes room for a line of output. */
    clear: () => status?.clear(),
    close: () => status?.close(),
  }
}
