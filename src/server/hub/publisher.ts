import { text } from '../../check/rules.ts'
import type { Log } from '../../log/log.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { check, OptionError } from '../check.ts'
import { within } from '../within.ts'
import { type Audience, type Everyone, toMessage } from './audience.ts'
import type { PublishOptions } from './options.ts'
import type { Spread } from './spread.ts'

/** How long a log may take to answer where nobody says, in milliseconds. */
export const LOG_TIMEOUT = 5000
const MAYBE = ', and may have the event all the same: repeat it with the same idempotencyKey'

/** Adds events to the log that they belong in. */
export class Publisher {
  readonly #spread: Spread
  readonly #patience: number
  readonly #onPublish: (id: string, event: OutgoingEvent) => void

  /** `patience` is how long the log may take to answer, in milliseconds. */
  constructor(spread: Spread, patience: number, onPublish: (id: string, event: OutgoingEvent) => void) {
    this.#spread = spread
    this.#patience = patience
    this.#onPublish = onPublish
  }

  /** All that cannot be is refused before the log has it: what no reader can be given would stand in everybody's way. */
  async publish(
    event: OutgoingEvent,
    audience: Audience | Everyone | undefined,
    options: PublishOptions,
  ): Promise<{ readonly id: string }> {
    const message = toMessage(event, audience)
    check('publish', options, { idempotencyKey: text })
    const index = this.#spread.indexFor(message.topics)
    const log = this.#spread.logs[index] as Log
    if (message.where && !log.local) {
      throw new OptionError('where is a function and cannot leave the process: name topics, a user or a client instead')
    }
    if (message.id !== undefined && (!log.locate || !this.#spread.isOne)) {
      const why = this.#spread.isOne ? 'this log' : 'a hub of several logs'
      throw new OptionError(`${why} cannot find an id of yours again: leave id out`)
    }
    const patience = Math.max(this.#patience, log.patience ?? 0)
    const appended = await within(patience, 'the log', log.append(message, options), MAYBE)
    const id = appended.id ?? this.#spread.idOf(index, appended)
    if (!appended.repeated) this.#onPublish(id, event)
    return { id }
  }
}
