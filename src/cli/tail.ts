import { type Connection, connect } from '../client/connect.ts'
import { ConnectError } from '../client/errors.ts'
import type { ConnectOptions } from '../client/options.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import { count, type Values } from './args.ts'
import { asked } from './asked.ts'
import { createNotes } from './notes.ts'
import { formatter } from './print.ts'
import { fetchThrough, proxyFor } from './proxy.ts'
import { resumeFile } from './resume-file.ts'
import { summary, type Tally } from './status.ts'
import { shellWord } from './visible.ts'

const { stdout, stderr } = process

/** How a process that a signal ends is known to a shell. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Prints the events of a stream until it is over. Answers with the exit code. */
export async function tail(word: string, values: Values): Promise<number> {
  const file = values.resume ? resumeFile(values.resume) : undefined
  const lastId = values['last-id'] ?? file?.load()
  const max = count(values, 'max', 1) ?? Number.POSITIVE_INFINITY
  const tally: Tally = { events: 0, bytes: 0, attempts: 0, since: Date.now() }
  const { url, ...options } = await optionsOf(word, values, tally)
  const notes = createNotes(values, tally)
  const connection = connect(url, {
    ...options,
    ...notes.callbacks,
    ...(lastId !== undefined && { lastEventId: lastId }),
  } as ConnectOptions & { parse?: undefined; schemas?: undefined })
  notes.watch(connection)

  const interrupt = onSignal(connection)
  const printer = createPrinter(values, file?.save, lastId ?? '', interrupt)
  let failed = false
  try {
    for await (const event of connection) {
      const isWanted = !notes.isAccount(event) && printer.wants(event)
      if (isWanted) tally.events++
      notes.clear()
      if (!(await printer.take(event, isWanted)) || tally.events >= max) break
    }
  } catch (error) {
    failed = true
    // The connection's own errors are told by `onError`.
    if (!(error instanceof ConnectError)) notes.say((error as Error).message)
  } finally {
    interrupt.forget()
    notes.close()
  }
  const closed = await connection.closed
  if (values.stats) stderr.write(summary(tally, printer.lastId))
  if (interrupt.code && printer.lastId && !file) stderr.write(`resume with --last-id ${shellWord(printer.lastId)}\n`)
  return interrupt.code ?? (failed || closed === 'failed' ? 1 : 0)
}

async function optionsOf(word: string, values: Values, tally: Tally) {
  const { headers, ...request } = await asked(word, values)
  const idle = count(values, 'idle', 0)
  return {
    ...request,
    // Asked for once for each attempt.
    headers() {
      tally.attempts++
      return headers
    },
    fetch: fetchCounting(tally),
    ...(values['no-reconnect'] && { retry: false }),
    ...(values.until !== undefined && { until: values.until }),
    ...(idle !== undefined && { idleTimeout: 1000 * idle }),
  }
}

/** A fetch that counts bytes, and goes through the proxy that the environment names. */
function fetchCounting(tally: Tally) {
  return async (url: string, init: RequestInit) => {
    const proxy = proxyFor(new URL(url))
    const response = await (proxy ? fetchThrough(proxy, new URL(url), init) : fetch(url, init))
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        tally.bytes += chunk.length
        controller.enqueue(chunk)
      },
    })
    return response.body ? new Response(response.body.pipeThrough(counter), response) : response
  }
}

/** Ends the connection at a signal, and remembers which. A second one ends the process. */
interface Interrupt {
  code?: number
  /** Ends what the printer waits for. */
  wake(): void
  forget(): void
}

function onSignal(connection: Connection): Interrupt {
  const handlers = Object.entries(SIGNALS).map(([signal, code]) => {
    const handler = () => {
      interrupt.code = code
      connection.close()
      interrupt.wake()
    }
    process.once(signal, handler)
    return [signal, handler] as const
  })
  const interrupt: Interrupt = {
    wake() {},
    forget() {
      for (const [signal, handler] of handlers) process.removeListener(signal, handler)
    },
  }
  return interrupt
}

/** Prints, and keeps the id of what was printed: only after that one is resumed. */
function createPrinter(values: Values, save: ((id: string) => void) | undefined, lastId: string, interrupt: Interrupt) {
  const types = values.event?.flatMap((list) => list.split(',')).map((type) => type.trim())
  const wanted = new Set(types?.filter(Boolean))
  const format = formatter(values, stdout)
  const printer = {
    lastId,
    wants: ({ type }: ServerSentEvent) => wanted.size === 0 || wanted.has(type),
    /** False where nobody reads any more, or waits for us. */
    async take(event: ServerSentEvent, isPrinted: boolean): Promise<boolean> {
      if (isPrinted && !(await write(format(event), interrupt))) return false
      if (event.id === printer.lastId) return true
      printer.lastId = event.id
      save?.(event.id)
      return true
    },
  }
  return printer
}

/** Whether it was written. Whoever reads us may leave (`| head`): that is an end, not an error. */
function write(text: string, interrupt: Interrupt): Promise<boolean> {
  return new Promise((resolve, reject) => {
    interrupt.wake = () => resolve(false)
    stdout.write(text, (error) => {
      if (!error) resolve(true)
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false)
      else reject(new Error(`standard output: ${error.message}`))
    })
  })
}
