import { once } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { connect } from '../client/connect.ts'
import type { ConnectOptions } from '../client/options.ts'
import { address, count, headersOf, type Values } from './args.ts'
import { formatter, painter } from './print.ts'
import { statusLine, summary, type Tally } from './status.ts'
import { UsageError } from './usage.ts'

const { stdin, stdout, stderr } = process

/** Prints the events of a stream until it is over. Answers with the exit code. */
export async function tail(word: string, values: Values): Promise<number> {
  const tally: Tally = { events: 0, bytes: 0, attempts: 0, since: Date.now() }
  const paint = painter(stderr)
  let status: ReturnType<typeof statusLine> | undefined
  /** The server's own account of a gap, which is an event too, but none of the stream's. */
  let account: string | undefined
  const note = (text: string) => {
    status?.clear()
    stderr.write(`${text}\n`)
  }
  const wanted = new Set(values.event?.flatMap((list) => list.split(',')))
  const max = count(values, 'max', 1) ?? Number.POSITIVE_INFINITY
  const format = formatter(values, stdout)
  const lastId = values['last-id'] ?? loadId(values.resume)
  const connection = connect(address(word), {
    ...(await request(values)),
    ...(lastId !== undefined && { lastEventId: lastId }),
    ...(values['no-reconnect'] && { retry: false }),
    ...(values.until !== undefined && { until: values.until }),
    idleTimeout: values.idle === undefined ? undefined : 1000 * (count(values, 'idle', 0) ?? 0),
    fetch: counting(tally),
    onOpen({ status, headers }) {
      if (values.verbose)
        note([`< ${status}`, ...[...headers].map(([name, value]) => `< ${name}: ${value}`)].join('\n'))
    },
    onComment(text) {
      if (values.verbose) note(paint(2, `: ${text}`))
    },
    onError(error) {
      if (!values.silent) note(paint(2, `${error.message}${reason(error.cause)}`))
    },
    onGap({ asked, data }) {
      account = data
      note(paint(33, `the server says that events after ${JSON.stringify(asked)} are lost`))
    },
  } satisfies ConnectOptions as ConnectOptions & { parse?: undefined; schemas?: undefined })

  if (stderr.isTTY && !values.silent) status = statusLine(connection, tally, stderr)
  let interrupted = false
  const interrupt = () => {
    interrupted = true
    connection.close()
  }
  process.once('SIGINT', interrupt)
  // Whoever reads us may leave (`| head`): that is an end, not an error.
  stdout.on('error', () => connection.close())

  let printedId = lastId ?? ''
  try {
    for await (const event of connection) {
      if (event.type === 'gap' && event.data === account) account = undefined
      else if (wanted.size === 0 || wanted.has(event.type)) {
        tally.events++
        status?.clear()
        if (!stdout.write(format(event)) && !stdout.destroyed)
          await Promise.race([once(stdout, 'drain'), connection.closed])
      }
      // Only what was printed is resumed after.
      if (event.id !== printedId) {
        printedId = event.id
        if (values.resume) saveId(values.resume, printedId)
      }
      if (tally.events >= max) break
    }
  } catch {
    // Told by onError; `closed` says it again.
  } finally {
    process.removeListener('SIGINT', interrupt)
    status?.close()
  }
  const closed = await connection.closed
  if (values.stats) stderr.write(summary(tally, printedId))
  if (interrupted) {
    if (printedId && !values.resume) stderr.write(`resume with --last-id ${JSON.stringify(printedId)}\n`)
    return 130
  }
  return closed === 'failed' ? 1 : 0
}

async function request(values: Values): Promise<{ headers: Headers; method?: string; body?: string }> {
  const headers = headersOf(values)
  if (!values.data) return { headers, ...(values.request && { method: values.request }) }
  const parts = await Promise.all(
    values.data.map((part) =>
      part === '@-' ? text(stdin) : part.startsWith('@') ? readFileSync(part.slice(1), 'utf8') : part,
    ),
  )
  const body = parts.join('&')
  if (!headers.has('content-type'))
    headers.set('content-type', /^\s*[[{]/.test(body) ? 'application/json' : 'application/x-www-form-urlencoded')
  return { headers, method: values.request ?? 'POST', body }
}

/** A fetch that counts the attempts and their bytes. */
function counting(tally: Tally) {
  return async (url: string, init: RequestInit) => {
    tally.attempts++
    const response = await fetch(url, init)
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        tally.bytes += chunk.length
        controller.enqueue(chunk)
      },
    })
    return response.body ? new Response(response.body.pipeThrough(counter), response) : response
  }
}

function reason(cause: unknown): string {
  const { message, cause: deeper } = Object(cause)
  return deeper ? reason(deeper) : message ? `: ${message}` : ''
}

function loadId(file: string | undefined): string | undefined {
  if (!file) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (Object(error).code === 'ENOENT') return undefined
    throw new UsageError(`--resume cannot read ${file}: ${(error as Error).message}`)
  }
}

/** As a whole or not at all: half an id would resume anywhere. */
function saveId(file: string, id: string) {
  writeFileSync(`${file}.new`, id)
  renameSync(`${file}.new`, file)
}
