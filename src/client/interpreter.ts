import type { ServerSentEvent } from '../protocol/event.ts'
import { createParser, type Parser } from '../protocol/parser.ts'
import { ConnectError } from './errors.ts'
import { type AnyEvent, call } from './listeners.ts'
import type { Parts } from './parts.ts'
import { FULL } from './read.ts'
import { decode } from './schema.ts'
import { type Step, throwIfAborted } from './step.ts'

/** What one body leaves to the next. */
export interface Legacy {
  retry: number | undefined
  isRepeat(id: string, body: number): boolean
  end(): void
}

/** What is known of a body before it begins. */
export interface BodyFacts {
  /** Its number in the connection. */
  readonly number: number
  /** The id that it was asked to go on after. */
  readonly asked: string
  readonly origin: string
  /** Whether our own server sends it. */
  readonly isOurs: boolean
  /** Whether no two of its events have the same id. */
  readonly isUnique: boolean
}

/** What the text of one body means: its ids, repetitions, gaps and end. Make a new one per body. */
export class Interpreter {
  readonly parser: Parser
  readonly #parts: Parts
  readonly #legacy: Legacy
  readonly #facts: BodyFacts
  readonly #step: Step
  readonly #read: ((raw: ServerSentEvent) => AnyEvent | undefined) | undefined
  /** The id in the block of the event that comes next, and the one in force before it. */
  #named: string | undefined
  #before: string | undefined

  constructor(parts: Parts, legacy: Legacy, facts: BodyFacts, step: Step) {
    const { options } = parts
    this.#parts = parts
    this.#legacy = legacy
    this.#facts = facts
    this.#step = step
    if (options.parse || options.schemas)
      this.#read = (raw) => this.#ask(raw, () => decode(raw, options.parse, options.schemas))
    this.parser = createParser({
      maxEventSize: options.maxEventSize,
      lastEventId: options.cursor ? '' : facts.asked,
      onRetry: (milliseconds) => {
        legacy.retry = milliseconds
      },
      onComment: (text) => {
        call(options.onComment, text)
        throwIfAborted(step.signal)
      },
      onId: (id, hasEvent) => this.#onId(id, hasEvent),
      onEvent: (raw) => this.#onEvent(raw),
    })
  }

  #onId(id: string, hasEvent: boolean) {
    const { cursors, options } = this.#parts
    if (hasEvent) {
      this.#named = id
      this.#before = cursors.parsed
    }
    if (!options.cursor) cursors.move(id, this.#facts.origin)
  }

  #onEvent(raw: ServerSentEvent) {
    const { options, cursors, consumers, health } = this.#parts
    const { asked, origin, number, isOurs, isUnique } = this.#facts
    const { cursor, until, onGap } = options
    const named = this.#named
    const before = this.#before ?? cursors.parsed
    this.#named = this.#before = undefined
    if (named && isUnique && this.#legacy.isRepeat(named, number)) return
    health.deliver()
    if (raw.data === until) this.#legacy.end()
    else {
      if (isOurs && raw.type === 'gap') call(onGap, { asked, resumed: named, data: raw.data })
      cursors.begin(before)
      const next = cursor && this.#ask(raw, cursor)
      if (next !== undefined) cursors.move(next, origin)
      consumers.emit(raw, this.#read)
      cursors.end()
      if (typeof until === 'function' && this.#ask(raw, until)) this.#legacy.end()
    }
    // A listener may have cut us short in the middle of a chunk: what is left of it is not delivered.
    if (this.#step.isCut) throwIfAborted(this.#step.signal)
    if (consumers.isFull) throw FULL
  }

  /** What a function of the caller's says of an event. What it throws is told, and the stream lives on. */
  #ask<T>(raw: ServerSentEvent, run: (raw: ServerSentEvent) => T): T | undefined {
    try {
      return run(raw)
    } catch (cause) {
      const isKnown = cause instanceof ConnectError
      const message = `Invalid data of "${raw.type}"`
      this.#parts.status.tell(isKnown ? cause : new ConnectError('invalid-data', message, true, { cause, event: raw }))
      return undefined
    }
  }
}
