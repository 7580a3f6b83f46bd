import { callable, milliseconds } from '../../check/rules.ts'
import type { Log } from '../../log/log.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { check, OptionError } from '../check.ts'
import { report } from '../report.ts'
import type { Audience, Everyone } from './audience.ts'
import { isLog } from './check-options.ts'
import type { HubEvent, PublishOptions } from './options.ts'
import { LOG_TIMEOUT, Publisher } from './publisher.ts'
import { Spread } from './spread.ts'

/** How a publisher publishes. */
export interface PublisherOptions {
  /** How long the log may take to answer, in milliseconds; then a publish rejects with `timeout`. Default: 5000. */
  logTimeout?: number | undefined
  /** Hears of every publish that is rejected. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** Publishes to a log that hubs elsewhere deliver from. */
export interface EventPublisher<Events = Record<string, unknown>> {
  /** As a hub's `publish`: resolves with the event's id once it is in the log. A rejection that nobody awaits disturbs nobody; `onError` is told of each. */
  publish(
    event: HubEvent<Events>,
    audience?: Omit<Audience, 'where'> | Everyone,
    options?: PublishOptions,
  ): Promise<{ readonly id: string }>
}

/** For a process without readers, such as a worker or a cron job: publishes to a log, and nothing else. */
export function createPublisher<Events = Record<string, unknown>>(
  log: Log | readonly Log[],
  options: PublisherOptions = {},
): EventPublisher<Events> {
  if (!isLog.is(log)) throw new OptionError(`createPublisher needs ${isLog.must}`)
  check('createPublisher', options, { logTimeout: milliseconds, onError: callable })
  const publisher = new Publisher(new Spread(log), options.logTimeout ?? LOG_TIMEOUT, () => {})
  return {
    publish(event, audience, how = {}) {
      const published = publisher.publish(event as OutgoingEvent, audience, how)
      published.catch((error) => report(error, options))
      return published
    },
  }
}
