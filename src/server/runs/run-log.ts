import { type AppendOptions, type Following, type Log, type Message, toId } from '../../log/log.ts'
import { unref } from '../../log/timer.ts'
import { OUTCOME } from '../../protocol/outcome.ts'
import { within } from '../within.ts'
import type { Settings } from './settings.ts'

/** How often the end of a run is tried to be written, and how long after, in milliseconds. */
const TRIES = 60
const PAUSE = 1000

/** The log of one run, as its producer writes it. */
export class RunLog {
  readonly #log: Log
  readonly #settings: Settings
  /** A log in memory that nobody follows may be forgotten. */
  readonly #following: Following | undefined

  constructor(log: Log, settings: Settings) {
    this.#log = log
    this.#settings = settings
    if (log.local) this.#following = log.follow({ entries() {}, end() {}, error() {} }) as Following
  }

  /** Whether it finds ids again that are not its own. */
  get takesIds(): boolean {
    return this.#log.locate !== undefined
  }

  async append(message: Message, options?: AppendOptions): Promise<string> {
    const patience = Math.max(this.#settings.patience, this.#log.patience ?? 0)
    const appended = await within(patience, 'the log', this.#log.append(message, options))
    return appended.id ?? toId(appended)
  }

  /** Writes the end, however long the log is away, unless somebody else has; tells what goes wrong meanwhile. */
  async end(outcome: Message, isNeeded: () => boolean, report: (error: unknown) => void): Promise<void> {
    for (let tries = 1; isNeeded() && tries <= TRIES; tries++) {
      try {
        await this.#write(outcome)
        break
      } catch (error) {
        report(error)
        await new Promise((resolve) => unref(setTimeout(resolve, PAUSE)))
      }
    }
    this.leave()
  }

  leave(): void {
    this.#following?.close()
  }

  async #write(outcome: Message): Promise<void> {
    await this.append(outcome, { idempotencyKey: OUTCOME }).catch((error) => {
      // It is written: the answer was lost.
      if (error.code !== 'log-sealed') throw error
    })
    await this.#log.seal()
    await this.#log.expire(this.#settings.kept)
  }
}
