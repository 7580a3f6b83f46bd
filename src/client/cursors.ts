import { call } from './listeners.ts'
import { fromPlace, toPlace } from './place.ts'
import { copy, type Resume } from './resume.ts'

/** An event that somebody has not handled yet. */
export interface Unhandled {
  /** The id in force before it. */
  readonly before: string
}

/**
 * How far the stream is known. What was parsed is in our hands, so the next attempt goes on after it; what was handled
 * is done with, so a later connection goes on after that.
 */
export class Cursors {
  /** What the next attempt resumes after. */
  parsed: string
  /** The origin that named it; missing while the caller did. */
  origin: string | undefined
  /** Where the stream can be had by GET, where another request began it. */
  resource: URL | undefined
  /** The id before the event whose listeners are running. */
  #before: string | undefined
  /** In the order of the stream. */
  readonly #unhandled = new Set<Unhandled>()
  /** Where loops were when they were left. */
  #left: Unhandled[] = []
  #saved: string
  /** Whether nothing is saved any more, or for now: the stream is over, or its page is being left. */
  #isAtRest = false
  readonly #resume: Resume | undefined

  constructor(id: string, resume: Resume | undefined) {
    this.parsed = id
    this.#saved = id
    this.#resume = resume
  }

  /** The newest id before which nothing is left to be done. */
  get handled(): string {
    const [oldest] = this.#unhandled
    return oldest?.before ?? this.#before ?? this.parsed
  }

  /** Begins anew, at a place that was kept. */
  load(place: string): void {
    const [id, resource] = fromPlace(place)
    this.resource = resource
    this.parsed = id
    this.#saved = place
  }

  /** From now on the stream is had there. */
  readAt(resource: URL): void {
    this.resource = resource
    this.save()
  }

  /** What began it is over: the next time it is begun anew. */
  forget(): void {
    if (!this.resource) return
    this.resource = undefined
    this.#keep('')
    this.#isAtRest = true
  }

  /** An id came, from this origin. */
  move(id: string, origin: string): void {
    this.parsed = id
    this.origin = origin
  }

  /** An event begins to be given out; what loops left behind is behind us with it. */
  begin(before: string): void {
    if (this.#left.length) for (const each of this.#left.splice(0)) this.release(each)
    this.#before = before
  }

  /** All listeners of an event ran. */
  end(): void {
    this.#before = undefined
  }

  /** Somebody will be done with the event of now later. */
  hold(): Unhandled {
    const event = { before: this.#before ?? this.parsed }
    this.#unhandled.add(event)
    return event
  }

  /** That one is done with it; may be said twice. */
  release(event: Unhandled): void {
    this.#unhandled.delete(event)
    this.save()
  }

  /** A loop was left in the first of these. Nobody knows whether it was done with it, so that one counts until the next event. */
  leave([first, ...others]: Unhandled[]): void {
    for (const each of others) this.release(each)
    if (first) this.#left.push(first)
  }

  /** The page is left, or is there again. What its listeners were at fails now, because the page goes: that is not handled. */
  leavePage(isLeft: boolean): void {
    this.#isAtRest = isLeft
    this.save()
  }

  /** Saves what was handled, if that is news. */
  save(): void {
    if (this.#isAtRest) return
    this.#keep(toPlace(this.handled, this.resource))
  }

  #keep(place: string) {
    if (!this.#resume?.save || place === this.#saved) return
    this.#saved = place
    call(() => this.#resume?.save?.(place))
  }

  /** A chunk was taken, which the id is not to keep in memory. */
  rest(): void {
    this.parsed = copy(this.parsed)
    this.save()
  }
}
