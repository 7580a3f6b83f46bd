import { UnmissedError } from '../protocol/errors.ts'
import type { CloseReason } from './reader/close-reason.ts'

/** What `send` rejects with once the connection is over; `reason` says how it ended. */
export class ConnectionClosed extends UnmissedError<'connection-closed'> {
  override name = 'ConnectionClosed'

  readonly reason: CloseReason

  constructor(reason: CloseReason) {
    super('connection-closed', `the connection is over (${reason}): stop sending when its closed settles`)
    this.reason = reason
  }
}

/** What `publish` rejects with after `hub.close()`. */
export class HubClosed extends UnmissedError<'hub-closed'> {
  override name = 'HubClosed'

  constructor() {
    super('hub-closed', 'the hub is closed: publish before close()')
  }
}

/** What `subscriber.subscribe` throws for a topic that its grant does not allow. */
export class NotGranted extends UnmissedError<'not-granted'> {
  override name = 'NotGranted'

  constructor(topic: string) {
    super('not-granted', `the topic ${JSON.stringify(topic)} is not granted to this reader: renew its grant first`)
  }
}
