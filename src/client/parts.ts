import type { Consumers } from './consumers.ts'
import type { Cursors } from './cursors.ts'
import type { Health } from './health.ts'
import type { ConnectOptions, ConnectUrl } from './options.ts'
import type { RetryOptions } from './retry.ts'
import type { Status } from './status.ts'

/** What the rooms of one connection share: all that outlives its attempts. */
export interface Parts {
  readonly url: ConnectUrl
  readonly options: ConnectOptions
  readonly policy: RetryOptions
  readonly cursors: Cursors
  readonly status: Status
  readonly consumers: Consumers
  readonly health: Health
}
