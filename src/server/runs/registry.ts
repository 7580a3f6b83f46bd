import { type Appended, type Entry, type Log, type Position, toId } from '../../log/log.ts'
import { Feed, type FeedHome } from '../hub/feed.ts'
import type { Delivery } from '../reader/delivery.ts'
import { within } from '../within.ts'
import { type Known, KnownRuns } from './known.ts'
import { fromEntry, type Note, toMessage } from './note.ts'
import type { Settings } from './settings.ts'

/** Who is told of what others have noted. */
export interface RegistryHome {
  ended(run: Known): void
  stopped(run: Known, reason: string | undefined): void
  taken(run: Known): void
  report(error: unknown): void
}

/** Which runs there are, in all processes: what is noted in one log is read by all, from its oldest note on. */
export class Registry implements FeedHome {
  readonly log: Log
  readonly #home: RegistryHome
  readonly #settings: Settings
  readonly #feed: Feed
  readonly #runs: KnownRuns
  #loading: Promise<void> | undefined
  /** What came while the older notes were read. */
  #early: Entry[] | undefined

  constructor(settings: Settings, home: RegistryHome) {
    const { log, patience } = settings
    this.log = log
    this.#home = home
    this.#settings = settings
    this.#runs = new KnownRuns(settings)
    this.#feed = new Feed(log, patience, toId, this)
  }

  /** Every run that can be read, as far as it is known. */
  get all(): Known[] {
    return this.#runs.all
  }

  /** Those that go on, as far as it is known. */
  get running(): Iterable<Known> {
    return this.#runs.running
  }

  /** Resolves when all older notes are read; tried again by the next who asks, where it failed. */
  ready(): Promise<void> {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  /** A run; where it is not known here, what others have noted by now is read first. */
  async find(id: string): Promise<Known | undefined> {
    await this.ready()
    if (!this.#runs.get(id)) await this.#feed.check()
    const run = this.#runs.get(id)
    return run && this.#runs.isKept(run) ? run : undefined
  }

  /** Asks a log that may have lost a delivery on the way whether it is ahead. */
  check(): Promise<void> {
    return this.#feed.check()
  }

  /** Notes something, once under a key; answers with where it stands. */
  async note(note: Note, idempotencyKey?: string): Promise<Appended> {
    const message = toMessage(note)
    // What has ended here is over here, however long it takes until all know it.
    if (note.kind === 'end') this.#apply(note)
    const appended = await within(this.#settings.patience, 'the log', this.log.append(message, { idempotencyKey }))
    if (!appended.repeated) this.#take({ ...appended, at: Date.now(), message })
    return appended
  }

  forget(id: string): void {
    this.#runs.drop(id)
  }

  close(): void {
    this.#feed.close()
  }

  async #load(): Promise<void> {
    this.#early = []
    const end = await this.#feed.ready()
    await this.#readUpTo(this.#feed.position ?? end)
    for (const entry of this.#early ?? []) this.#take(entry)
    this.#early = undefined
  }

  async #readUpTo({ epoch, offset: end }: Position): Promise<void> {
    const { oldest } = await this.#feed.bounds()
    for (let offset = oldest - 1; offset < end; ) {
      const page = await this.#feed.pages.read({ epoch, offset })
      if (!page || page.end <= offset) return
      for (const { entry } of page.deliveries) {
        if (entry.offset > offset && entry.offset <= end) this.#take(entry)
      }
      offset = page.end
    }
  }

  #take(entry: Entry): void {
    const note = fromEntry(entry)
    if (note) this.#apply(note)
  }

  /** Any number of times, for each: what was said once is not said again. */
  #apply(note: Note): void {
    const known = this.#runs.get(note.id)
    if (note.kind === 'start') {
      if (known?.life !== note.life) this.#runs.add(note)
    } else if (known?.life !== note.life || known.state !== 'running') return
    else if (note.kind === 'stop') this.#home.stopped(known, note.reason)
    else if (note.kind === 'take') {
      known.by = note.by
      this.#home.taken(known)
    } else {
      this.#runs.end(known, note)
      this.#home.ended(known)
    }
  }

  // What the log tells of.

  deliver({ entry }: Delivery): void {
    if (this.#early) this.#early.push(entry)
    else this.#take(entry)
  }

  moved(): void {
    // Another life of the log: all of it is read again.
    const { position } = this.#feed
    if (position) this.#readUpTo(position).catch((error) => this.report(error))
  }

  ended(): void {
    this.report(new Error(`the log ${this.log.name} was sealed: runs need it`))
  }

  report(error: unknown): void {
    this.#home.report(error)
  }
}
