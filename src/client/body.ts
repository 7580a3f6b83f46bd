import type { ServerSentEvent } from '../protocol/event.ts'
import { OUTCOME, type Outcome } from '../protocol/outcome.ts'
import { createParser } from '../protocol/parser.ts'
import { ask, decoder } from './decoder.ts'
import { ConnectError } from './errors.ts'
import { call } from './listeners.ts'
import type { Gap } from './options.ts'
import { FULL, read } from './read.ts'
import type { Opened } from './requests.ts'
import { createSeen, fromBytes } from './resume.ts'
import type { Shared } from './shared.ts'
import { fail, type Step, throwIfAborted } from './step.ts'
import { trace } from './trace.ts'
import { Watchdog } from './watchdog.ts'

/** How many heartbeats may pass without a byte. */
const HEARTBEATS = 2.5

/** What one body means: its ids, repetitions, gaps and end. Make a new one per body. */
export class Body {
  readonly #shared: Shared
  readonly #opened: Opened
  readonly #step: Step
  readonly #onEnd: (error?: ConnectError) => void
  /** What our own server says of its stream; missing where it is another. */
  readonly #ours: string | null
  readonly #number: number
  /** Whether it is a stream that tells its end. */
  readonly #isRun: boolean
  readonly #decode: ReturnType<typeof decoder>
  /** The id in the block of the event that comes next, and the one in force before it. */
  #named: string | undefined
  #before: string | undefined

  /** Calls `onEnd` where `until` is reached, or the run is over. */
  constructor(shared: Shared, opened: Opened, step: Step, onEnd: (error?: ConnectError) => void) {
    this.#shared = shared
    this.#opened = opened
    this.#step = step
    this.#onEnd = onEnd
    this.#ours = opened.response.headers.get('unmissed')
    this.#number = ++shared.bodies
    this.#isRun = /\brun\b/.test(`${this.#ours}`)
    const location = this.#isRun && opened.response.headers.get('content-location')
    // What may be asked again as it is needs no other address.
    if (location && !shared.isSafe) this.#readAt(location)
    this.#decode = decoder(shared)
  }

  /** From now on it is read there, and nothing is asked for twice. RFC 9110 §8.7: of another origin's it can say nothing. */
  #readAt(location: string) {
    const { url } = this.#opened
    const resource = new URL(fromBytes(location), url)
    if (resource.origin !== url.origin) return
    this.#shared.cursors.readAt(resource)
    this.#shared.isSafe = true
  }

  /** Tells that the server went on after another id than the one asked for. Our own tells it in an event, which says more. */
  compare(): void {
    const { response, asked } = this.#opened
    const { platform } = this.#shared
    const told = response.headers.get('last-event-id')
    if (!asked || this.#ours || told === null) return
    const resumed = platform.encodes ? told : fromBytes(told)
    if (resumed !== asked) this.#tellGap({ asked, resumed, data: undefined })
  }

  /** Reads it to its end. */
  read(): Promise<void> | undefined {
    const { options } = this.#shared
    const { body } = this.#opened.response
    const idle = options.idleTimeout ?? Number(/\bheartbeat=(\d+)/.exec(`${this.#ours}`)?.[1] ?? 0) * HEARTBEATS
    const fall = () => fail(this.#step, new ConnectError('timeout-idle', `no byte in ${idle} ms`, true, this.#shared))
    if (idle > 0) this.#shared.watchdog = new Watchdog(idle, options.unref, fall)
    return body ? read(body, this.#parser(), this.#shared, this.#step.signal) : undefined
  }

  #parser() {
    const { options, cursors } = this.#shared
    return createParser({
      maxEventSize: options.maxEventSize,
      lastEventId: options.cursor ? '' : this.#opened.asked,
      onRetry: (milliseconds) => {
        this.#shared.retry = milliseconds
        trace(() => [this.#shared.status, `the server asks for ${milliseconds} ms before each attempt`])
      },
      onComment: (text) => {
        call(options.onComment, text)
        throwIfAborted(this.#step.signal)
      },
      onId: (id, hasEvent) => {
        if (hasEvent) {
          this.#named = id
          this.#before = cursors.parsed
        }
        if (!options.cursor) cursors.move(id, this.#opened.url.origin)
      },
      onEvent: (raw) => {
        const named = this.#named
        const before = this.#before ?? cursors.parsed
        this.#named = this.#before = undefined
        if (named && this.#isRepeat(named))
          return trace(() => [this.#shared.status, `drops ${JSON.stringify(named)}, which has come before`])
        this.#onEvent(raw, named, before)
        // A listener may have cut us short in the middle of a chunk: what is left of it is not delivered.
        if (this.#step.isCut) throwIfAborted(this.#step.signal)
        if (this.#shared.consumers.isFull) throw FULL
      },
    })
  }

  #isRepeat(id: string): boolean {
    const { dedupe, dedupeSize } = this.#shared.options
    if (!(dedupe ?? /\bids=unique\b/.test(`${this.#ours}`))) return false
    this.#shared.isRepeat ??= createSeen(dedupeSize ?? 1024)
    return this.#shared.isRepeat(id, this.#number)
  }

  #onEvent(raw: ServerSentEvent, named: string | undefined, before: string) {
    const { options, cursors, consumers, health } = this.#shared
    const { cursor, until } = options
    const { asked, url } = this.#opened
    health.deliver()
    if (this.#isRun && raw.type === OUTCOME) return this.#finish(raw)
    if (raw.data === until) return this.#onEnd()
    if (this.#ours && raw.type === 'gap') this.#tellGap({ asked, resumed: named ?? newestOf(raw.data), data: raw.data })
    cursors.begin(before)
    const next = cursor && ask(this.#shared, raw, cursor)
    if (next !== undefined) cursors.move(next, url.origin)
    consumers.emit(raw, this.#decode)
    cursors.end()
    if (typeof until === 'function' && ask(this.#shared, raw, until)) this.#onEnd()
  }

  /** It is over, and would be over again. */
  #finish({ data }: ServerSentEvent) {
    const outcome: Outcome = JSON.parse(data)
    const { state, code, message = code } = outcome
    this.#shared.status.outcome = outcome
    this.#onEnd(state === 'failed' ? new ConnectError('run-failed', `${message}`, false, this.#shared) : undefined)
  }

  #tellGap(gap: Gap) {
    trace(() => [
      this.#shared.status,
      `gap: asked for what is after ${JSON.stringify(gap.asked)}, got what is after ${JSON.stringify(gap.resumed)}`,
    ])
    call(this.#shared.options.onGap, gap)
  }
}

/** Where a hub says that it goes on. Whoever only uses its `accept` may call an event of his own `gap`. */
function newestOf(data: string): string | undefined {
  try {
    return JSON.parse(data).newest
  } catch {
    return undefined
  }
}
