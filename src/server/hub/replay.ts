import { encode } from '../../protocol/encode.ts'
import { type Backplane, type Bounds, type Entry, fromId, type Position, toId } from '../../log/log.ts'
import { Frame } from '../reader/frame.ts'
import type { Delivery } from './published.ts'
import type { HubSubscriber } from '../reader/subscriber.ts'

/** What a reader is told when events are lost to it. */
export interface Gap {
  /** The id that it had. */
  readonly asked: string
  /** The oldest event that the log still had; where it was too slow itself, the newest that it lost. */
  readonly oldest: string
  /** The newest event in the log then, after which it goes on; where it was too slow itself, the newest that it lost. */
  readonly newest: string
}

/** Where a reader begins, and what is known of the way there. */
export interface Start {
  readonly position: Position
  /** Told to it first. */
  readonly gap?: Gap | undefined
  /** The first page of what it missed. */
  readonly page?: readonly Entry[] | undefined
}

/** How many entries are read from the log at a time. */
const PAGE = 256
/** How many bytes of a page are written at a time. */
const SLICE = 2 ** 17
/** How many live deliveries are kept for a reader while a page is on its way; beyond it they are read from the log too. */
const HELD = 1024

/** What replay needs of its hub. */
export interface Replayed {
  readonly backplane: Backplane
  /** What the hub has delivered up to. */
  readonly position: Position
  deliver(entry: Entry): Delivery
  /** The log is another one now: everyone has to be brought to it. */
  adopt(position: Position): void
  replayed(count: number): void
  gap(gap: Gap, subscriber: HubSubscriber): unknown
  report(error: unknown): void
}

/**
 * Brings readers from where they were to where the hub is, and lets them go on live at a moment when both are the same.
 * Until then the log is read for them, page by page, at their own pace; what is delivered while a page is on its way is
 * held, so that it cannot fall between the page and the next. Offsets are dense: that nothing is missing, and nothing
 * comes twice, is counted, not hoped.
 */
export class Replay {
  readonly #hub: Replayed
  readonly #joining = new Set<HubSubscriber>()

  constructor(hub: Replayed) {
    this.#hub = hub
  }

  /** Judges a resume: whole, or a gap. */
  async judge(asked: string): Promise<Start> {
    const { backplane } = this.#hub
    if (!asked) return { position: this.#hub.position }
    const position = (await backplane.locate?.(asked)) ?? fromId(asked)
    const page = position && (await backplane.read(position, PAGE))
    if (position && page && follows(page, position)) return { position, page }
    return this.#lost(asked, await backplane.bounds())
  }

  /** Keeps a live delivery for those who are not yet there. */
  hold(delivery: Delivery): void {
    for (const subscriber of this.#joining) {
      if (subscriber.held && subscriber.held.length < HELD) subscriber.held.push(delivery)
      else subscriber.held = undefined
    }
  }

  async join(subscriber: HubSubscriber, { position, page, gap }: Start, ready?: unknown): Promise<void> {
    subscriber.live = false
    subscriber.epoch = position.epoch
    subscriber.offset = position.offset
    try {
      if (ready) await ready
      if (gap) await this.#tell(subscriber, gap)
      await this.#catchUp(subscriber, page)
    } catch (error) {
      if (!subscriber.open) return
      this.#hub.report(error)
      subscriber.end('failed')
    } finally {
      subscriber.held = undefined
      this.#joining.delete(subscriber)
    }
  }

  async #catchUp(subscriber: HubSubscriber, first: readonly Entry[] | undefined): Promise<void> {
    const { backplane } = this.#hub
    let page = first
    while (subscriber.open && !this.#isThere(subscriber)) {
      const { epoch, offset } = subscriber
      // What the hub has heard of, the log has: a page that is read now leads there, or at least in its direction.
      const target = page ? { epoch, offset } : this.#hub.position
      if (!page) {
        subscriber.held = []
        this.#joining.add(subscriber)
        page = await backplane.read({ epoch, offset }, PAGE)
        if (!subscriber.open) return
      }
      if (page && follows(page, subscriber)) {
        for (const entry of page) {
          subscriber.offer(this.#hub.deliver(entry))
          // Long events are fewer at a time.
          if (subscriber.queued > SLICE) await subscriber.flushed()
        }
        for (const delivery of subscriber.held ?? [])
          if (follows([delivery.entry], subscriber)) subscriber.offer(delivery)
        this.#hub.replayed(subscriber.offset - offset)
      }
      page = undefined
      subscriber.held = undefined
      this.#joining.delete(subscriber)
      if (this.#isThere(subscriber)) return
      if (subscriber.offset > offset || (epoch === target.epoch && offset >= target.offset)) {
        await subscriber.flushed()
      } else {
        const start = this.#lost(toId(subscriber), await backplane.bounds())
        subscriber.epoch = start.position.epoch
        subscriber.offset = start.position.offset
        await this.#tell(subscriber, start.gap)
      }
    }
  }

  // Asked and acted upon without a pause: what comes next, comes live.
  #isThere(subscriber: HubSubscriber): boolean {
    const { epoch, offset } = this.#hub.position
    subscriber.live = subscriber.epoch === epoch && subscriber.offset >= offset && subscriber.open
    return subscriber.live
  }

  #lost(asked: string, bounds: Bounds): Start & { gap: Gap } {
    const { position } = this.#hub
    if (bounds.epoch !== position.epoch) this.#hub.adopt(bounds)
    // What we have heard of is in the log, whatever a copy of it that lags behind may say.
    const end = bounds.epoch === position.epoch && position.offset > bounds.offset ? position : bounds
    const oldest = { epoch: end.epoch, offset: bounds.oldest }
    return { position: end, gap: { asked, oldest: toId(oldest), newest: toId(end) } }
  }

  async #tell(subscriber: HubSubscriber, gap: Gap): Promise<void> {
    subscriber.push(new Frame(encode({ id: gap.newest, type: 'gap', data: gap })))
    await this.#hub.gap(gap, subscriber)
  }
}

function follows(page: readonly Entry[], { epoch, offset }: Position): boolean {
  return page.every((entry, index) => entry.epoch === epoch && entry.offset === offset + 1 + index)
}
