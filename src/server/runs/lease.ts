import type { Log, Peers } from '../../log/log.ts'
import { startTimer, type Timer } from '../../log/timer.ts'

/** How often the others are looked at, in milliseconds. */
const LOOK = 2000

/** Whose lease it is. */
export interface LeaseHome {
  /** The processes that produce something, as far as it is known. */
  readonly producers: Iterable<string>
  /** How many readers of a run are here. */
  readersOf(life: string): number
  /** A process is gone, with all that it produces; nobody else is told. */
  lost(producer: string): Promise<void>
  report(error: unknown): void
}

/**
 * Says that this process lives, and notices those that do not: each has its own name among the peers of the log, which are
 * forgotten within seconds when they are killed. Whoever gets a name that was another's is the only one who has it.
 */
export class Lease {
  readonly me = crypto.randomUUID()
  readonly #log: Log
  readonly #home: LeaseHome
  #peers: Peers | undefined
  #held: Promise<boolean> | undefined
  #timer: Timer | undefined
  #isLooking = false

  constructor(log: Log, home: LeaseHome) {
    this.#log = log
    this.#home = home
  }

  /** From now on the others are looked at. Where the log is not shared there are none. */
  join(): void {
    if (this.#timer || !this.#log.join) return
    this.#peers = this.#log.join((life) => String(this.#home.readersOf(life)))
    this.#timer = startTimer(LOOK, () => void this.#look())
  }

  /** From now on the others know that this one produces something. */
  async hold(): Promise<void> {
    this.join()
    this.#held ??= this.#peers?.enter(this.me, 1)
    await this.#held?.catch((error) => {
      this.#held = undefined
      throw error
    })
  }

  readersHere(life: string): number {
    return this.#home.readersOf(life)
  }

  /** How many readers a run has, in all processes. */
  async readersOf(life: string): Promise<number> {
    const others = (await this.#peers?.ask(life)) ?? []
    return others.reduce((sum, count) => sum + (Number(count) || 0), this.#home.readersOf(life))
  }

  /** Counts a connection of a user in, over all processes; what counts it out, or nothing where there are too many. */
  async claim(user: string, most: number): Promise<(() => void) | undefined> {
    this.join()
    const peers = this.#peers
    if (!peers) return () => {}
    const name = `user ${user}`
    if (!(await peers.enter(name, most))) return undefined
    return () => void peers.leave(name).catch((error) => this.#home.report(error))
  }

  close(): void {
    this.#timer?.stop()
    this.#peers?.close()
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      for (const producer of new Set(this.#home.producers)) {
        if (producer === this.me || !(await this.#peers?.enter(producer, 1))) continue
        await this.#home.lost(producer)
        await this.#peers?.leave(producer)
      }
    } catch (error) {
      this.#home.report(error)
    } finally {
      this.#isLooking = false
    }
  }
}
