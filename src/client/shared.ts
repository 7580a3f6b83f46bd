import type { Consumers } from './consumers.ts'
import type { Cursors } from './cursors.ts'
import type { ConnectError } from './errors.ts'
import type { Health } from './health.ts'
import type { ConnectOptions, ConnectUrl } from './options.ts'
import type { Platform } from './platform.ts'
import type { RetryOptions } from './retry.ts'
import type { Status } from './status.ts'
import type { Watchdog } from './watchdog.ts'

/** What the parts of one connection share: all that outlives an attempt. */
export interface Shared {
  readonly url: ConnectUrl
  readonly options: ConnectOptions
  readonly policy: RetryOptions
  readonly platform: Platform
  readonly cursors: Cursors
  readonly status: Status
  readonly consumers: Consumers
  readonly health: Health
  /** The id that is kept elsewhere, once it was asked for. */
  loading?: Promise<void> | undefined
  /** The token that is fetched, and the error that asked for it. */
  renewal?: { readonly isDone: Promise<boolean>; readonly error: ConnectError } | undefined
  /** The request of now, as messages name it. */
  where?: string
  /** Whether the request of now is a safe method without a body. */
  isSafe: boolean
  /** What makes its requests safe to repeat. */
  readonly key?: string | undefined
  /** The server's reconnection time, in milliseconds. */
  retry?: number | undefined
  /** Watches the body of now. */
  watchdog?: Watchdog | undefined
  /** Whether the caller was told of the mistake in its `retry`. */
  isWarned?: boolean
  /** How many bodies there were. */
  bodies: number
  /** Tells whether an earlier body delivered an id. */
  isRepeat?: (id: string, body: number) => boolean
}
