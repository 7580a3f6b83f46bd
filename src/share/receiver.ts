import type { Control } from '../client/control.ts'
import { decoder } from '../client/decoder.ts'
import { call } from '../client/listeners.ts'
import type { Shared } from '../client/shared.ts'
import type { End, Entry, Place } from './entry.ts'
import type { Tail } from './tail.ts'
import { fromTrouble, type Mirror } from './wire.ts'

/** Gives what came to those who listen in this tab, at their pace: the tail is what waits for them. */
export class Receiver {
  /** Whether the tab is given something else for now. */
  isHeld = false
  /** Whether nothing is given, because somebody was told how far this tab is. */
  isStopped = false
  readonly #shared: Shared
  readonly #control: Control
  readonly #tail: Tail
  readonly #decode: ReturnType<typeof decoder>
  readonly #gone = new AbortController()
  #room: Promise<void> | undefined
  #isBusy = false
  /** The number of the last entry that was given. */
  #at = 0

  constructor(shared: Shared, control: Control, tail: Tail) {
    this.#shared = shared
    this.#control = control
    this.#tail = tail
    this.#decode = decoder(shared)
  }

  /** How far this tab is. */
  get place(): Place {
    return { at: this.#at, id: this.#shared.cursors.parsed }
  }

  /** From now on it is there, whatever it was given before. */
  goTo({ at, id }: Place): void {
    this.#at = at
    this.#shared.cursors.parsed = id
  }

  /** Gives what waits, as far as there is room for it. */
  async pump(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    while (this.#isOn) {
      if (this.#shared.consumers.isFull) await this.room()
      else if (!this.#giveNext()) break
    }
    this.#isBusy = false
    this.#shared.cursors.save()
  }

  /** The id has moved, perhaps without an event. */
  move(): void {
    if (this.#isOn && this.#at === this.#tail.last.at) this.#shared.cursors.parsed = this.#tail.last.id
    this.#shared.cursors.save()
  }

  get #isOn(): boolean {
    return !this.isHeld && !this.isStopped && !this.#control.isOver && !this.#control.pauses
  }

  /** Resolves as soon as one more can be given. */
  room(): Promise<void> {
    // Only one can wait.
    this.#room ??= this.#shared.consumers.room(this.#gone.signal).finally(() => {
      this.#room = undefined
    })
    return this.#room
  }

  #giveNext(): boolean {
    const { base, last } = this.#tail
    if (this.#at >= last.at) return false
    const entry = this.#tail.get(this.#at + 1)
    if (entry) this.give(entry)
    else {
      // It was so slow that the next ones are gone.
      this.lose(base)
    }
    return true
  }

  give(entry: Entry): void {
    const { options, cursors, consumers } = this.#shared
    const { at, id, event, gap, end } = entry
    this.#at = at
    if (end) this.#finish(end)
    else if (gap) call(options.onGap, gap)
    else if (event) {
      cursors.begin(cursors.parsed)
      cursors.parsed = id
      consumers.emit(event, this.#decode)
      cursors.end()
    }
  }

  /** What was up to there is lost for this tab. */
  lose(place: Place): void {
    const asked = this.#shared.cursors.parsed
    this.goTo(place)
    call(this.#shared.options.onGap, { asked, resumed: place.id, data: undefined })
  }

  /** What the connection is by now, the one that is shared or, for a tab that catches up, its own. */
  show({ state, attempt, delay, error, location }: Mirror, isOwn = false): void {
    const { status, cursors } = this.#shared
    if (location && cursors.resource?.href !== location) cursors.readAt(new URL(location))
    if (location) this.#shared.isSafe = true
    const last = status.snapshot
    if (this.#control.isOver || this.isHeld !== isOwn || state === 'closed' || state === 'paused') return
    if (last.state === state && last.attempt === attempt && last.delay === delay) return
    status.enter(state, fromTrouble(error), delay, attempt)
    if (state === 'open') this.#control.settleOpened()
  }

  close(): void {
    this.#gone.abort()
  }

  #finish({ reason, outcome, error }: End) {
    if (outcome) this.#shared.status.outcome = outcome
    this.#control.finish(reason, fromTrouble(error))
  }
}
