import { LONGEST, unref } from './connection.ts'
import type { HubSubscriber } from './subscriber.ts'

/** One timer for all subscribers: it keeps the silent ones alive and ends those whose time is over. */
export class Pulse {
  readonly #heartbeat: number
  readonly #subscribers: Iterable<HubSubscriber>
  readonly #beat: (silent: HubSubscriber[]) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #due = Number.POSITIVE_INFINITY

  constructor(heartbeat: number, subscribers: Iterable<HubSubscriber>, beat: (silent: HubSubscriber[]) => void) {
    this.#heartbeat = heartbeat > 0 ? heartbeat : Number.POSITIVE_INFINITY
    this.#subscribers = subscribers
    this.#beat = beat
  }

  /** Looks after a subscriber from now on. */
  watch(subscriber: HubSubscriber): void {
    this.#wake(this.#next(subscriber))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#due = Number.POSITIVE_INFINITY
  }

  #next({ expires, touched }: HubSubscriber): number {
    return Math.min(expires, touched + this.#heartbeat)
  }

  #wake(at: number): void {
    if (at >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = at
    this.#timer = unref(setTimeout(() => this.#look(), Math.min(Math.max(1, at - performance.now()), LONGEST)))
  }

  #look(): void {
    this.#due = Number.POSITIVE_INFINITY
    const now = performance.now()
    const silent: HubSubscriber[] = []
    let next = Number.POSITIVE_INFINITY
    for (const subscriber of this.#subscribers) {
      const { touched, expires } = subscriber
      if (expires <= now) subscriber.end('expired')
      // A tenth early, so that those that fell silent one after the other are dealt with in one go.
      else if (touched + this.#heartbeat * 0.9 <= now) {
        silent.push(subscriber)
        next = Math.min(next, expires, now + this.#heartbeat)
      } else next = Math.min(next, this.#next(subscriber))
    }
    if (silent.length > 0) this.#beat(silent)
    this.#wake(next)
  }
}
