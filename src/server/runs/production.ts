import { type AppendOptions, type Following, type Log, type Message, toId } from '../../log/log.ts'
import { LONGEST, unref } from '../../log/timer.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { OUTCOME, type Outcome } from '../../protocol/outcome.ts'
import { OptionError } from '../check.ts'
import { toMessage } from '../hub/audience.ts'
import { within } from '../within.ts'
import { over, RunError, RunFailure } from './errors.ts'
import type { Production, Source } from './options.ts'
import { pump } from './sources.ts'

/** How often the end of a run is tried to be written, and how long after, in milliseconds. */
const TRIES = 60
const PAUSE = 1000

export interface Bounds {
  readonly maxEvents: number
  readonly maxBytes: number
  readonly maxDuration: number
  /** How long the log is kept after the end, in milliseconds. */
  readonly keep: number
  /** How long the log may take to answer, in milliseconds. */
  readonly patience: number
}

/** One run that goes on in this process, from its source to its log. */
export class Producing implements Production {
  readonly id: string
  readonly log: Log
  /** Settles when its end is in the log; never rejects. */
  readonly ended: Promise<Outcome>
  readonly #bounds: Bounds
  readonly #report: (error: unknown) => void
  #settle!: (outcome: Outcome) => void
  #controller: AbortController | undefined
  #outcome: Outcome | undefined
  #isReplaced = false
  #events = 0
  #bytes = 0
  /** A log in memory that nobody follows may be forgotten. */
  readonly #following: Following | undefined
  readonly #timer: ReturnType<typeof setTimeout>

  constructor(id: string, log: Log, bounds: Bounds, report: (error: unknown) => void) {
    this.id = id
    this.log = log
    this.#bounds = bounds
    this.#report = report
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    if (log.local) this.#following = log.follow({ entries() {}, end() {}, error() {} }) as Following
    const tooLong = (): void => void this.fail('run-too-long', `it took more than ${bounds.maxDuration} ms`)
    this.#timer = unref(setTimeout(tooLong, Math.min(bounds.maxDuration, LONGEST)))
  }

  // Made when it is asked for: most producers are done before anybody stops them.
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.isOver) this.#controller.abort(over(this.id))
    }
    return this.#controller.signal
  }

  /** Whether another process goes on with it, or has ended it. */
  get isReplaced(): boolean {
    return this.#isReplaced
  }

  get isOver(): boolean {
    return this.#outcome !== undefined || this.#isReplaced
  }

  /** Has the source make its events, to the end. */
  async run(source: Source): Promise<void> {
    try {
      const value = await pump(source, this)
      await this.#end({ state: 'finished', value })
    } catch (error) {
      if (this.isOver) return
      if (error instanceof RunFailure) return this.fail(error.code, error.message)
      this.#report(error)
      // What went wrong is nobody's business but ours.
      await this.fail('producer-failed')
    }
  }

  readonly send = async (given: OutgoingEvent | string): Promise<{ readonly id: string }> => {
    if (this.isOver) throw over(this.id)
    const event = typeof given === 'string' ? { data: given } : given
    if (event?.type === OUTCOME) {
      throw new OptionError(`the type ${OUTCOME} tells how a run ended: return a value, or throw a RunFailure`)
    }
    const message = toMessage(event, undefined)
    if (message.id !== undefined && !this.log.locate) {
      throw new OptionError('this log cannot find an id of yours again: leave id out')
    }
    this.#count(message.frame)
    try {
      return { id: await this.#append(message) }
    } catch (error) {
      // Somebody has ended it in our place, because we were not heard of for long.
      if ((error as { code?: string }).code !== 'log-sealed') throw error
      this.replace()
      throw over(this.id)
    }
  }

  async #append(message: Message, options?: AppendOptions): Promise<string> {
    const patience = Math.max(this.#bounds.patience, this.log.patience ?? 0)
    const appended = await within(patience, 'the log', this.log.append(message, options))
    return appended.id ?? toId(appended)
  }

  /** Counts what is about to be added; throws where that is too much. */
  #count(frame: string): void {
    const { maxEvents, maxBytes } = this.#bounds
    if (this.isOver) throw over(this.id)
    this.#events++
    this.#bytes += frame.length
    const message =
      this.#events > maxEvents
        ? `it has more than ${maxEvents} events: raise maxEvents`
        : this.#bytes > maxBytes
          ? `it has more than ${maxBytes} units of text: raise maxBytes`
          : undefined
    if (!message) return
    void this.fail('run-too-large', message)
    throw new RunError('run-too-large', `the run ${JSON.stringify(this.id)} is over: ${message}`)
  }

  fail(code: string, message?: string): Promise<void> {
    return this.#end({ state: 'failed', code, message })
  }

  stop(reason?: string): Promise<void> {
    return this.#end({ state: 'stopped', reason })
  }

  /** Another process goes on with it: what this one adds would be beside it. */
  replace(): void {
    if (this.isOver) return
    this.#isReplaced = true
    this.#over()
    this.#leave()
    this.#settle({ state: 'failed', code: 'producer-lost' })
  }

  async #end(given: Outcome): Promise<void> {
    if (this.isOver) return
    const { message, told } = this.#toldOf(given)
    this.#outcome = told
    this.#over()
    for (let tries = 1; ; tries++) {
      try {
        await this.#write(message)
        break
      } catch (error) {
        this.#report(error)
        if (tries === TRIES || this.#isReplaced) break
        await new Promise((resolve) => unref(setTimeout(resolve, PAUSE)))
      }
    }
    this.#leave()
    this.#settle(told)
  }

  async #write(outcome: Message): Promise<void> {
    await this.#append(outcome, { idempotencyKey: OUTCOME }).catch((error) => {
      // It is written: the answer was lost.
      if (error.code !== 'log-sealed') throw error
    })
    await this.log.seal()
    await this.log.expire(this.#bounds.keep)
  }

  /** The last event, and what it says: a value that is no JSON is a producer's mistake. */
  #toldOf(outcome: Outcome): { message: Message; told: Outcome } {
    try {
      return { message: toMessage({ type: OUTCOME, data: outcome }, undefined), told: outcome }
    } catch (error) {
      this.#report(error)
      return this.#toldOf({ state: 'failed', code: 'producer-failed' })
    }
  }

  #over(): void {
    clearTimeout(this.#timer)
    this.#controller?.abort(over(this.id))
  }

  #leave(): void {
    this.#following?.close()
  }
}
