import type { Parser } from '../protocol/parser.ts'
import { announced } from './announcement.ts'
import { Interpreter } from './interpreter.ts'
import { call } from './listeners.ts'
import type { Parts } from './parts.ts'
import { read } from './read.ts'
import type { Opened } from './requests.ts'
import { createSeen } from './resume.ts'
import { fail, type Step } from './step.ts'
import { Watchdog } from './watchdog.ts'

/** How many heartbeats may pass without a byte. */
const HEARTBEATS = 2.5
/** How many functions away the caller's code may wait for `opened`, and still hear the first event. */
const TICKS = 10

/** Reads the bodies of a connection, and keeps what one leaves to the next. */
export class Bodies {
  /** The server's reconnection time, in milliseconds. */
  retry: number | undefined
  readonly #parts: Parts
  readonly #onFirst: () => void
  readonly #onEnd: () => void
  #count = 0
  #seen: ((id: string, body: number) => boolean) | undefined
  #watchdog: Watchdog | undefined

  /** Calls `onFirst` when the first one is open, and `onEnd` where `until` is reached. */
  constructor(parts: Parts, onFirst: () => void, onEnd: () => void) {
    this.#parts = parts
    this.#onFirst = onFirst
    this.#onEnd = onEnd
  }

  /** Reads one to its end. */
  async read({ response, origin, asked, encodes }: Opened, step: Step): Promise<void> {
    const { options, status, health } = this.#parts
    const { heartbeat, isOurs, isUnique, resumed } = announced(response.headers, encodes)
    const number = ++this.#count
    health.open()
    // Between two awaits somebody may have had another wish, and so may whoever hears of the opening.
    if (!step.isCut) status.enter('open')
    if (!step.isCut) {
      if (number === 1) this.#onFirst()
      call(options.onOpen, response)
      // Our server tells it in an event, which says more.
      if (asked && !isOurs && resumed !== undefined && resumed !== asked)
        call(options.onGap, { asked, resumed, data: undefined })
    }
    const facts = { number, asked, origin, isOurs, isUnique: options.dedupe ?? isUnique }
    const { parser } = new Interpreter(this.#parts, this, facts, step)
    if (number === 1) for (let tick = 0; tick < TICKS; tick++) await undefined
    if (response.body) await this.#feed(response.body, parser, options.idleTimeout ?? heartbeat * HEARTBEATS, step)
  }

  async #feed(body: ReadableStream<Uint8Array<ArrayBuffer>>, parser: Parser, idle: number, step: Step) {
    const { options, consumers, health, cursors } = this.#parts
    this.#watchdog = idle > 0 ? new Watchdog(idle, options.unref, (error) => fail(step, error)) : undefined
    try {
      await read(body, parser, {
        signal: step.signal,
        consumers,
        watchdog: this.#watchdog,
        onChunk: () => health.hear(),
        onRead: () => cursors.rest(),
      })
    } finally {
      this.#watchdog = undefined
    }
  }

  /** Tells whether an earlier body delivered the id. */
  isRepeat(id: string, body: number): boolean {
    this.#seen ??= createSeen(this.#parts.options.dedupeSize ?? 1024)
    return this.#seen(id, body)
  }

  /** `until` is reached. */
  end(): void {
    this.#onEnd()
  }

  /** Looks at the clock, for when the machine has slept. */
  check(): void {
    this.#watchdog?.check()
  }
}
