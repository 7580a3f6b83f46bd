import type { Log, Message } from '../../log/log.ts'
import { LONGEST, unref } from '../../log/timer.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { OUTCOME, type Outcome } from '../../protocol/outcome.ts'
import { OptionError } from '../check.ts'
import { toMessage } from '../hub/audience.ts'
import { over, RunFailure, runError } from './errors.ts'
import { Meter } from './meter.ts'
import type { Production, Source } from './options.ts'
import { RunLog } from './run-log.ts'
import type { Settings } from './settings.ts'
import { pump } from './sources.ts'

/** One run that goes on in this process, from its source to its log. */
export class Producing implements Production {
  readonly id: string
  readonly log: Log
  /** Settles when its end is in the log; never rejects. */
  readonly ended: Promise<Outcome>
  readonly #runLog: RunLog
  readonly #meter: Meter
  readonly #report: (error: unknown) => void
  #settle!: (outcome: Outcome) => void
  #controller: AbortController | undefined
  #outcome: Outcome | undefined
  #isReplaced = false
  readonly #timer: ReturnType<typeof setTimeout>

  constructor(id: string, log: Log, settings: Settings, report: (error: unknown) => void) {
    this.id = id
    this.log = log
    this.#runLog = new RunLog(log, settings)
    this.#meter = new Meter(settings)
    this.#report = report
    this.ended = new Promise((resolve) => {
      this.#settle = resolve
    })
    const tooLong = (): void =>
      void this.fail('run-too-long', `it took more than ${settings.maxDuration} ms: raise maxDuration`)
    this.#timer = unref(setTimeout(tooLong, Math.min(settings.maxDuration, LONGEST)))
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
    if (message.id !== undefined && !this.#runLog.takesIds) {
      throw new OptionError('this log cannot find an id of yours again: leave id out')
    }
    this.#count(message.frame)
    try {
      return { id: await this.#runLog.append(message) }
    } catch (error) {
      // Somebody has ended it in our place, because we were not heard of for long.
      if ((error as { code?: string }).code !== 'log-sealed') throw error
      this.replace()
      throw over(this.id)
    }
  }

  /** Throws where it is too much; then it is over. */
  #count(frame: string): void {
    const wrong = this.#meter.count(frame)
    if (!wrong) return
    void this.fail('run-too-large', wrong)
    throw runError('run-too-large', `the run ${JSON.stringify(this.id)} is over: ${wrong}`)
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
    this.#runLog.leave()
    this.#settle({ state: 'failed', code: 'producer-lost' })
  }

  async #end(given: Outcome): Promise<void> {
    if (this.isOver) return
    const { message, told } = lastOf(given, this.#report)
    this.#outcome = told
    this.#over()
    await this.#runLog.end(message, () => !this.#isReplaced, this.#report)
    this.#settle(told)
  }

  #over(): void {
    clearTimeout(this.#timer)
    this.#controller?.abort(over(this.id))
  }
}

/** The last event, and what it says: a value that is no JSON is a producer's mistake. */
function lastOf(outcome: Outcome, report: (error: unknown) => void): { message: Message; told: Outcome } {
  try {
    return { message: toMessage({ type: OUTCOME, data: outcome }, undefined), told: outcome }
  } catch (error) {
    report(error)
    return lastOf({ state: 'failed', code: 'producer-failed' }, report)
  }
}
