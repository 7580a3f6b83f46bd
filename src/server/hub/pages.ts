import { type Log, type Position, toId } from '../../log/log.ts'
import { isPromise } from '../promise.ts'
import { Delivery } from '../reader/delivery.ts'
import { within } from '../within.ts'
import { PAGE, PAGE_TEXT, Page, textOf } from './page.ts'
import { Recent } from './recent.ts'

/** How much text of older pages is kept for whoever comes next. */
const CACHED_TEXT = 4_194_304

/** A page that is on its way, and after which offset it was asked for. */
interface Asked {
  readonly offset: number
  readonly page: Promise<Page | undefined>
}

/**
 * Reads a log for many readers at once: what several need at about the same time is read, decoded and encoded once. After a
 * deploy, a thousand readers come back to about the same place.
 */
export class Pages {
  readonly #log: Log
  readonly #patience: number
  readonly #idOf: (position: Position) => string
  #epoch = ''
  /** By where they begin, unless the log does not go back so far. */
  readonly #pending = new Map<number, Asked>()
  /** The oldest first. */
  readonly #cached = new Map<number, Page>()
  #cachedText = 0
  readonly #recent = new Recent()

  /** `patience` is how long the log may take to answer, in milliseconds; `idOf` names its events. */
  constructor(log: Log, patience: number, idOf: (position: Position) => string = toId) {
    this.#idOf = idOf
    this.#log = log
    this.#patience = patience
  }

  /** Keeps what was just delivered at hand. */
  keep(delivery: Delivery): void {
    this.at(delivery.entry.epoch)
    this.#recent.add(delivery)
  }

  /** The next entries after a position, and perhaps some before it; `undefined` where the log has them no more, or never had. */
  read(after: Position): Page | undefined | Promise<Page | undefined> {
    const { epoch, offset } = after
    const start = alignedTo(offset)
    // Only pages of the log that we are at are shared.
    if (epoch !== this.#epoch) return this.#ask(epoch, offset, start)
    return this.#recent.after(offset) ?? this.#share(start, after)
  }

  /** The page that begins there, if it leads on from where it is asked for; else one that begins exactly there. */
  #share(start: number, after: Position): Page | undefined | Promise<Page | undefined> {
    const { epoch, offset } = after
    const leadsOn = (page: Page | undefined) => page !== undefined && page.start <= offset && page.end > offset
    const cached = this.#cached.get(start)
    if (leadsOn(cached)) return cached
    const pending = this.#pending.get(start)
    if (pending) {
      return pending.page.then((page) =>
        pending.offset === offset || leadsOn(page) ? page : this.#share(offset, after),
      )
    }
    // A page that ended before what is needed now would do so again.
    if (cached && start < offset) return this.#share(offset, after)
    const loaded = this.#ask(epoch, offset, start)
    if (!isPromise(loaded)) return loaded
    const asked: Asked = {
      offset,
      page: loaded.finally(() => {
        if (this.#pending.get(start) === asked) this.#pending.delete(start)
      }),
    }
    this.#pending.set(start, asked)
    return asked.page
  }

  /** Reads from where a page begins; where the log does not go back so far, from where it is needed. */
  #ask(epoch: string, offset: number, start: number): Page | undefined | Promise<Page | undefined> {
    const page = this.#log.read({ epoch, offset: start }, PAGE)
    if (isPromise(page)) return this.#askLater(page, epoch, offset, start)
    if (!page) return start < offset ? this.#ask(epoch, offset, offset) : undefined
    return this.#take(epoch, start, offset, page)
  }

  async #askLater(
    page: Promise<{ entries: readonly Delivery['entry'][]; end: number } | undefined>,
    epoch: string,
    offset: number,
    start: number,
  ): Promise<Page | undefined> {
    const read = await within(this.#patience, 'the log', page)
    if (!read) return start < offset ? this.#ask(epoch, offset, offset) : undefined
    return this.#take(epoch, start, offset, read)
  }

  #take(
    epoch: string,
    start: number,
    offset: number,
    { entries, end: whole }: { entries: readonly Delivery['entry'][]; end: number },
  ): Page | undefined | Promise<Page | undefined> {
    if (!this.#log.covers && !isDense(entries, { epoch, offset: start })) return undefined
    const deliveries: Delivery[] = []
    let text = 0
    let end = start
    for (const entry of entries) {
      if (text >= PAGE_TEXT) break
      const delivery = new Delivery(entry, this.#idOf)
      deliveries.push(delivery)
      text += textOf(delivery)
      end = entry.offset
    }
    if (deliveries.length === entries.length) end = Math.max(end, whole)
    // It does not reach what was asked for: then exactly from there.
    if (end <= offset && start < offset) return this.#ask(epoch, offset, offset)
    const page = new Page(start, end, deliveries, text)
    if (epoch === this.#epoch) this.#cache(page)
    return page
  }

  #cache(page: Page): void {
    this.#forget(page.start)
    this.#cached.set(page.start, page)
    this.#cachedText += page.text
    for (const start of this.#cached.keys()) {
      if (this.#cachedText <= CACHED_TEXT) break
      this.#forget(start)
    }
  }

  #forget(start: number): void {
    const page = this.#cached.get(start)
    if (!page) return
    this.#cached.delete(start)
    this.#cachedText -= page.text
  }

  /** The log is at this epoch now: what is known of another one is of no use. */
  at(epoch: string): void {
    if (epoch === this.#epoch) return
    this.#epoch = epoch
    this.#pending.clear()
    this.#cached.clear()
    this.#cachedText = 0
    this.#recent.clear()
  }
}

/** Pages begin at the same places for everybody, so that they can be shared. */
function alignedTo(offset: number): number {
  return offset - (offset % PAGE)
}

function isDense(entries: readonly Position[], { epoch, offset }: Position): boolean {
  return entries.every((entry, index) => entry.epoch === epoch && entry.offset === offset + 1 + index)
}
