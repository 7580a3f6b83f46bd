import type { Bounds, Entry, Following, Log, Position } from '../../log/log.ts'
import { Delivery } from '../reader/delivery.ts'
import { within } from '../within.ts'
import { Pages } from './pages.ts'

/** Who is told by a feed. */
export interface FeedHome {
  /** The next event, for all who are there already. */
  deliver(delivery: Delivery): void
  /** The log is another one now, or has lost what came after this position: everyone has to be brought to the new one. */
  moved(before: Position): void
  /** No more will come. */
  ended(reason: 'sealed' | 'expired'): void
  report(error: unknown): void
}

/** How often a log is asked again for what it has announced, and how long after, in milliseconds. */
const TRIES = 5
const PAUSE = 20

/**
 * Follows one log for all of its readers: what comes is handed on in order, each entry once. Offsets are dense, so that
 * nothing is missing is counted, not hoped: what did not come is read, once for all.
 */
export class Feed {
  readonly log: Log
  readonly pages: Pages
  readonly #home: FeedHome
  readonly #patience: number
  readonly #idOf: (position: Position) => string
  #position: Position | undefined
  #following: Following | undefined
  #starting: Promise<Position> | undefined
  #asked: Promise<Bounds> | undefined
  #closed = false
  /** Why no more will come. */
  #end: 'sealed' | 'expired' | undefined
  /** What was delivered before it was known from where on. */
  #early: Entry[] = []
  /** Up to where the log is read because something did not come; what comes meanwhile is read, too. */
  #target: number | undefined

  /** `patience` is how long the log may take to answer, in milliseconds; `idOf` names its events. */
  constructor(log: Log, patience: number, idOf: (position: Position) => string, home: FeedHome) {
    this.log = log
    this.pages = new Pages(log, patience, idOf)
    this.#idOf = idOf
    this.#patience = patience
    this.#home = home
  }

  /** Up to where everyone was told; nothing before the first reader. */
  get position(): Position | undefined {
    return this.#position
  }

  /** Follows the log from the first reader on; tried again by the next one where it failed. Answers with where it began. */
  ready(): Promise<Position> {
    this.#starting ??= this.#start().catch((error) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /** Asks a log that may have lost a delivery on the way whether it is ahead. */
  async check(): Promise<void> {
    const { position } = this
    if (this.log.local || !position || this.#target !== undefined) return
    const { epoch, offset } = await this.bounds()
    if (this.#closed || this.#position !== position) return
    if (epoch !== position.epoch) this.adopt({ epoch, offset })
    else if (offset > position.offset) await this.#recover(offset)
  }

  /** What the log knows now; asked once for all who ask at the same time. */
  bounds(): Promise<Bounds> {
    this.#asked ??= within(this.#patience, 'the log', this.log.bounds()).finally(() => {
      this.#asked = undefined
    })
    return this.#asked
  }

  /** Goes on from another position than the next one: forward, or in another life of the log. */
  adopt(position: Position): void {
    const before = this.#position
    if (!before || (before.epoch === position.epoch && before.offset >= position.offset)) return
    this.#position = { epoch: position.epoch, offset: position.offset }
    this.pages.at(position.epoch)
    this.#home.moved(before)
  }

  close(): void {
    this.#closed = true
    this.#following?.close()
  }

  async #start(): Promise<Position> {
    const following = await within(
      this.#patience,
      'the log',
      Promise.resolve(
        this.log.follow({
          entries: (entries) => {
            for (const entry of entries) this.#receive(entry)
          },
          end: (reason) => {
            this.#end = reason
            this.#tellEnd()
          },
          error: (error) => this.#home.report(error),
        }),
      ),
    )
    this.#following = following
    if (this.#closed) following.close()
    this.#position = { epoch: following.epoch, offset: following.offset }
    this.pages.at(following.epoch)
    for (const entry of this.#early.splice(0)) this.#receive(entry)
    this.#tellEnd()
    return { epoch: following.epoch, offset: following.offset }
  }

  /** Not before all that was announced has come. */
  #tellEnd(): void {
    if (this.#end && this.#position && this.#target === undefined) this.#home.ended(this.#end)
  }

  #receive(entry: Entry): void {
    const position = this.#position
    if (!position) {
      this.#early.push(entry)
      return
    }
    if (entry.epoch !== position.epoch) {
      this.#target = undefined
      this.adopt({ epoch: entry.epoch, offset: entry.offset - 1 })
    } else if (entry.offset <= position.offset) return
    else if (this.#target !== undefined) {
      this.#target = Math.max(this.#target, entry.offset)
      return
    } else if (entry.offset > position.offset + 1) {
      this.#recover(entry.offset).catch((error) => this.#home.report(error))
      return
    }
    this.#deliver(new Delivery(entry, this.#idOf))
  }

  #deliver(delivery: Delivery): void {
    const { epoch, offset } = delivery.entry
    this.#position = { epoch, offset }
    this.pages.keep(delivery)
    try {
      this.#home.deliver(delivery)
    } catch (error) {
      this.#home.report(error)
    }
  }

  /** Reads what did not come. */
  async #recover(target: number): Promise<void> {
    this.#target = target
    const { epoch } = this.#position as Position
    let tries = 0
    try {
      while (this.#target !== undefined && !this.#closed) {
        const position = this.#position as Position
        if (position.epoch !== epoch || position.offset >= this.#target) return
        const page = await this.pages.read(position)
        if (this.#position !== position) continue
        const news = page?.deliveries.filter(({ entry }) => entry.offset > position.offset) ?? []
        for (const delivery of news) this.#deliver(delivery)
        if (page && page.end > (this.#position as Position).offset) this.#position = { epoch, offset: page.end }
        if (news.length > 0) tries = 0
        // A copy of the log may lag behind what it has announced; one that has lost it will not find it again.
        else if (!page || ++tries > TRIES) return this.adopt({ epoch, offset: this.#target })
        else await new Promise((resolve) => setTimeout(resolve, PAUSE))
      }
    } finally {
      this.#target = undefined
      this.#tellEnd()
    }
  }
}
