import { comment, encode } from '../../protocol/encode.ts'
import { Frame } from '../reader/frame.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'

const STILL = /* @__PURE__ */ new Frame(/* @__PURE__ */ comment())

/**
 * What readers are sent that have heard of nothing for long. Who has nothing newer to resume from is given the feed's place:
 * else the log would outgrow it while it is told only of what it may see, or of what goes past the log.
 */
export class Heartbeat {
  readonly #idOf: (subscriber: HubSubscriber) => string
  readonly #ping: string | undefined

  /** `idOf` names where a reader is. */
  constructor(idOf: (subscriber: HubSubscriber) => string, ping: string | undefined) {
    this.#idOf = idOf
    this.#ping = ping
  }

  /** `silent` have heard of nothing, `unplaced` of nothing that has a place in the log. */
  beat(silent: readonly HubSubscriber[], unplaced: readonly HubSubscriber[]): void {
    const event = this.#ping === undefined ? undefined : { type: this.#ping, data: Date.now() }
    const still = event ? new Frame(encode(event)) : STILL
    let place = still
    // Nearly all are at the same place.
    const placeOf = (id: string): Frame => {
      if (place.id !== id) place = new Frame(encode({ id, ...event }), { id })
      return place
    }
    for (const subscriber of silent) {
      const id = this.#news(subscriber)
      subscriber.outbox.push(id === undefined ? still : placeOf(id))
    }
    for (const subscriber of unplaced) {
      const id = this.#news(subscriber)
      if (id === undefined) subscriber.outbox.placedAt = performance.now()
      else subscriber.outbox.push(placeOf(id))
    }
  }

  /** Where a reader is, if it does not know. */
  #news(subscriber: HubSubscriber): string | undefined {
    // What waits behind a hole comes before that place.
    if (!subscriber.live || subscriber.outbox.isHeld) return undefined
    const id = this.#idOf(subscriber)
    return id === subscriber.outbox.sent ? undefined : id
  }
}
