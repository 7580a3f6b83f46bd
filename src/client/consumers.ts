import type { ServerSentEvent } from '../protocol/event.ts'
import type { Cursors } from './cursors.ts'
import { later } from './delay.ts'
import { ConnectError } from './errors.ts'
import { Iteration } from './iteration.ts'
import { type AnyEvent, Listeners } from './listeners.ts'
import type { ConnectOptions, ListenOptions } from './options.ts'
import { race } from './step.ts'

type Run = (event: AnyEvent) => unknown

/** All who hear the events of a connection: listeners, promises of one event, and loops, which may press back. */
export class Consumers {
  readonly #options: ConnectOptions
  readonly #cursors: Cursors
  readonly #tell: (error: ConnectError) => void
  readonly #listeners = new Listeners()
  /** The loops, and what undoes their listening. */
  readonly #loops = new Map<Iteration, (() => void)[]>()
  #wake: (() => void) | undefined
  #isOver = false

  constructor(options: ConnectOptions, cursors: Cursors, tell: (error: ConnectError) => void) {
    this.#options = options
    this.#cursors = cursors
    this.#tell = tell
  }

  /** Gives an event to all who listen to its type. */
  emit(raw: ServerSentEvent, read: ((raw: ServerSentEvent) => AnyEvent | undefined) | undefined): void {
    // `onGap` may have closed us.
    if (!this.#isOver) this.#listeners.emit(raw, read, this.#cursors)
  }

  /** Calls the listener until its undo, or its signal. */
  on(type: string | undefined, run: Run, signal: AbortSignal | undefined): () => void {
    return this.#listeners.add(type, run, signal)
  }

  /** The next event of the type, or of any. */
  async next(type: string | undefined, { signal }: ListenOptions = {}): Promise<AnyEvent> {
    const loop = this.iterate([type])
    try {
      const { value } = await (signal ? race(loop.next(), signal) : loop.next())
      if (!value) throw new ConnectError('closed', 'closed before such an event')
      loop.pass()
      return value
    } finally {
      loop.return()
    }
  }

  /** A loop over events of some types, or of all. */
  iterate(types: readonly (string | undefined)[], onLeave?: () => void): Iteration {
    const loop = new Iteration(
      this.#cursors,
      this.#options.highWaterMark ?? 64,
      () => this.#wake?.(),
      () => {
        this.#remove(loop)
        onLeave?.()
      },
    )
    this.#loops.set(
      loop,
      [...new Set(types)].map((type) => this.#listeners.add(type, (event) => loop.push(event))),
    )
    if (this.#isOver) loop.end(true)
    return loop
  }

  #remove(loop: Iteration) {
    for (const undo of this.#loops.get(loop) ?? []) undo()
    this.#loops.delete(loop)
    this.#wake?.()
  }

  end(discard: boolean, error: ConnectError | undefined): void {
    this.#isOver = true
    for (const loop of this.#loops.keys()) loop.end(discard, error)
    this.#listeners.end()
  }

  /** Whether events may have to wait, so that it matters how many come at a time. */
  get hasLoops(): boolean {
    return this.#loops.size > 0
  }

  /** Whether there is a loop for which no more may wait. */
  get isFull(): boolean {
    // Asked for each event, and mostly there is none.
    if (this.#loops.size > 0) for (const loop of this.#loops.keys()) if (loop.isFull) return true
    return false
  }

  /** Resolves as soon as all loops have room, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    const { stallTimeout = 60_000, unref } = this.#options
    while (this.isFull && !signal.aborted)
      await new Promise<void>((resolve) => {
        const look = () => {
          this.#nameStalled(stallTimeout)
          wake()
        }
        const stop = stallTimeout > 0 ? later(stallTimeout, look, unref) : undefined
        const wake = () => {
          stop?.()
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#wake = wake
        signal.addEventListener('abort', wake)
      })
  }

  /** Tells of loops that took nothing for a whole period, and gives up those that hold up others. */
  #nameStalled(timeout: number) {
    for (const [loop, { length }] of this.#loops) {
      if (!loop.isFull) continue
      const isFirst = !loop.idle++
      const isAlone = this.#listeners.size <= length
      if (isAlone && !isFirst) continue
      const error = new ConnectError('consumer-stalled', `a loop took no event in ${timeout} ms`, false)
      this.#tell(error)
      // Whoever hears of it may have closed us.
      if (isAlone || this.#isOver) continue
      this.#remove(loop)
      loop.abandon(error)
    }
  }
}
