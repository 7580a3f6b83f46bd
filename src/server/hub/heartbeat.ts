import { toId } from '../../log/log.ts'
import { comment, encode } from '../../protocol/encode.ts'
import { Frame } from '../reader/frame.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import type { Feed } from './feed.ts'

const STILL = /* @__PURE__ */ new Frame(/* @__PURE__ */ comment())

/**
 * What readers are sent that have heard of nothing for long. Who has nothing newer to resume from is given the feed's place:
 * else the log would outgrow it while it is told only of what it may see, or of what goes past the log.
 */
export class Heartbeat {
  readonly #feed: Feed
  readonly #ping: string | undefined

  constructor(feed: Feed, ping: string | undefined) {
    this.#feed = feed
    this.#ping = ping
  }

  /** `silent` have heard of nothing, `unplaced` of nothing that has a place in the log. */
  beat(silent: readonly HubSubscriber[], unplaced: readonly HubSubscriber[]): void {
    const { position } = this.#feed
    const id = position && toId(position)
    const event = this.#ping === undefined ? undefined : { type: this.#ping, data: Date.now() }
    const still = event ? new Frame(encode(event)) : STILL
    const place = id === undefined ? still : new Frame(encode({ id, ...event }), { id })
    for (const subscriber of silent) subscriber.outbox.push(this.#isAhead(subscriber) ? place : still)
    for (const subscriber of unplaced) {
      if (this.#isAhead(subscriber)) subscriber.outbox.push(place)
      else subscriber.outbox.placedAt = performance.now()
    }
  }

  /** Whether the feed is further than the reader knows; it is brought there. */
  #isAhead(subscriber: HubSubscriber): boolean {
    const { position } = this.#feed
    if (!position || !subscriber.live || subscriber.outbox.sent === toId(position)) return false
    // What waits behind a hole comes before that place.
    if (subscriber.outbox.isHeld) return false
    if (position.offset < subscriber.offset) return false
    subscriber.offset = position.offset
    return true
  }
}
