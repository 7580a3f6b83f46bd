import type { EventIterator } from '../protocol/event.ts'
import type { Cursors, Unhandled } from './cursors.ts'
import type { AnyEvent } from './listeners.ts'

type Result = IteratorResult<AnyEvent, undefined>
interface Question {
  resolve(result: Result): void
  reject(error: unknown): void
}
interface Item {
  readonly event: AnyEvent
  readonly mark: Unhandled
}

/** One `for await` over events: what waits for it, and how far it has come. It hears from its making on. */
export class Iteration implements EventIterator<AnyEvent> {
  /** How often somebody looked and found that nothing was taken. */
  idle = 0
  // Two stacks make a queue that moves each item once, however long it is: `shift` would move all the others.
  #coming: Item[] = []
  #going: Item[] = []
  /** The events that it was given and has not gone past. */
  readonly #given: Unhandled[] = []
  readonly #questions: Question[] = []
  #isOver = false
  #error: unknown
  readonly #cursors: Cursors
  /** How many events may wait. */
  readonly #most: number
  readonly #onRoom: () => void
  readonly #onLeave: () => void

  constructor(cursors: Cursors, most: number, onRoom: () => void, onLeave: () => void) {
    this.#cursors = cursors
    // With no room at all nothing would ever be read.
    this.#most = Math.max(1, most)
    this.#onRoom = onRoom
    this.#onLeave = onLeave
  }

  get #size() {
    return this.#coming.length + this.#going.length
  }
  get isFull(): boolean {
    return this.#size >= this.#most
  }

  push(event: AnyEvent): void {
    const mark = this.#cursors.hold()
    const question = this.#questions.shift()
    if (question) question.resolve(this.#give(event, mark))
    else this.#coming.push({ event, mark })
  }

  #give(value: AnyEvent, mark: Unhandled): Result {
    this.idle = 0
    this.#given.push(mark)
    return { value, done: false }
  }

  /** Says that the events that were given are done with. */
  pass(): void {
    for (let mark = this.#given.pop(); mark; mark = this.#given.pop()) this.#cursors.release(mark)
  }

  next(): Promise<Result> {
    // Whoever asks for the next event has gone past the last one.
    this.pass()
    if (!this.#going.length) {
      this.#going = this.#coming.reverse()
      this.#coming = []
    }
    const item = this.#going.pop()
    if (item) {
      // Not for each single event: to go on reading costs as much as some of them.
      if (this.#size === this.#most >> 1) this.#onRoom()
      return Promise.resolve(this.#give(item.event, item.mark))
    }
    return new Promise((resolve, reject) => {
      this.#questions.push({ resolve, reject })
      if (this.#isOver) this.#answer()
    })
  }

  async return(): Promise<Result> {
    this.#cursors.leave([...this.#given.splice(0), ...this.#rest()])
    this.end(true)
    this.#onLeave()
    return { value: undefined, done: true }
  }

  async throw(error: unknown): Promise<never> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** No more will come. What waits is still handed out, then the error is thrown, unless all that is discarded. */
  end(discard: boolean, error?: unknown): void {
    if (discard) this.#coming = this.#going = []
    this.#isOver = true
    this.#error = discard ? undefined : error
    this.#answer()
  }

  /** It is waited for no longer: it has what waits, then the error, and no more. */
  abandon(error: unknown): void {
    this.#cursors.leave([...this.#given.splice(0), ...this.#rest()])
    this.end(false, error)
  }

  #rest(): Unhandled[] {
    return [...[...this.#going].reverse(), ...this.#coming].map(({ mark }) => mark)
  }

  #answer() {
    for (const { resolve, reject } of this.#questions.splice(0)) {
      const error = this.#error
      this.#error = undefined
      if (error) reject(error)
      else resolve({ value: undefined, done: true })
    }
  }
}
