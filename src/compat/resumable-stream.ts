import type { Logs } from '../log/log.ts'
import { events } from '../protocol/body.ts'
import { OUTCOME, type Outcome } from '../protocol/outcome.ts'
import { RunFailure } from '../server/runs/errors.ts'
import type { Run, Runs } from '../server/runs/options.ts'
import { createRuns } from '../server/runs/runs.ts'

/** How streams are kept. */
export interface ResumableStreamOptions {
  /** Where they are kept: `redisLogs(client)` for several processes. Default: in memory, for this process. */
  logs?: Logs | undefined
  /** What their logs are called. Default: `resumable-stream`. */
  keyPrefix?: string | undefined
  /** Keeps a function's process until a stream is over; null where that is not needed. */
  waitUntil: ((promise: Promise<unknown>) => void) | null
  /** How long a stream that is over is known, in milliseconds. Default: 86400000. */
  keep?: number | undefined
  /** Hears of errors of the sources. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** The functions of the package `resumable-stream`, with their meaning. */
export interface ResumableStreamContext {
  /** Begins a stream, or reads the one of this id; null where it is over. */
  resumableStream(
    streamId: string,
    makeStream: () => ReadableStream<string>,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null>
  /** Reads a stream that is there; null where it is over, undefined where there is none. */
  resumeExistingStream(streamId: string, skipCharacters?: number): Promise<ReadableStream<string> | null | undefined>
  /** Begins a stream, also one that is over. */
  createNewResumableStream(
    streamId: string,
    makeStream: () => ReadableStream<string>,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null>
  /** Whether there is a stream: null, true, or `'DONE'` where it is over. */
  hasExistingStream(streamId: string): Promise<null | true | 'DONE'>
  /** The runs that the streams are. */
  readonly runs: Runs
}

/** Streams of text that survive: the same functions as the package of that name has, over runs. */
export function createResumableStreamContext(options: ResumableStreamOptions): ResumableStreamContext {
  const { logs, keyPrefix = 'resumable-stream', waitUntil, keep = 86_400_000, onError } = options
  const runs = createRuns({ authorize: 'anyone', name: keyPrefix, keep, logs, onError })
  const begin = async (id: string, makeStream: () => ReadableStream<string>, again: boolean): Promise<Run> => {
    const run = await runs.start(id, () => chunks(makeStream()), { again })
    if (run.isNew) waitUntil?.(run.outcome)
    return run
  }
  const read = async (id: string, skip = 0): Promise<ReadableStream<string>> =>
    textOf(await runs.fetch(new Request('http://run/'), id), skip)
  const isOver = async (id: string): Promise<boolean | undefined> => {
    const run = await runs.get(id)
    return run && run.state !== 'running'
  }
  return {
    runs,
    async resumableStream(id, makeStream, skip) {
      const { isNew } = await begin(id, makeStream, false)
      return !isNew && (await isOver(id)) ? null : read(id, skip)
    },
    async resumeExistingStream(id, skip) {
      const over = await isOver(id)
      return over === undefined ? undefined : over ? null : read(id, skip)
    },
    async createNewResumableStream(id, makeStream, skip) {
      await begin(id, makeStream, true)
      return read(id, skip)
    },
    async hasExistingStream(id) {
      const over = await isOver(id)
      return over === undefined ? null : over ? 'DONE' : true
    },
  }
}

/** Each chunk as an event: in JSON, which keeps every character. */
async function* chunks(stream: ReadableStream<string>): AsyncGenerator<{ data: [string] }> {
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield { data: [next.value] }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** The chunks of a run, but for so many characters at its beginning; an error where it failed. */
function textOf(response: Response, skip: number): ReadableStream<string> {
  const source = events(response)
  let left = skip
  return new ReadableStream<string>({
    async pull(controller) {
      for (;;) {
        const { value: event, done } = await source.next()
        if (done) return controller.close()
        if (event.type === OUTCOME) {
          const { state, code = '', message = code }: Outcome = JSON.parse(event.data)
          return state === 'failed' ? controller.error(new RunFailure(code, message)) : controller.close()
        }
        const [text]: [string] = JSON.parse(event.data)
        const rest = text.slice(left)
        left = Math.max(0, left - text.length)
        if (rest) return controller.enqueue(rest)
      }
    },
    async cancel() {
      await source.return?.()
    },
  })
}
