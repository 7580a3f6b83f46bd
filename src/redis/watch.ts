import { startTimer, type Timer } from '../log/timer.ts'
import type { Core } from './core.ts'
import { unclear } from './glance.ts'
import type { Runner } from './runner.ts'

/** How often Redis is told how far a log had got that was appended to here, in milliseconds. */
const EVERY = 1000
/** For how long after the last append: a server takes a while to take over from one that is gone. */
const FOR = 60_000

/**
 * An entry may be lost that nobody but its publisher has heard of. So it says for a while how far the log had got, also where
 * it publishes no more.
 */
export class Watch {
  readonly #runner: Runner
  readonly #isCluster: boolean
  readonly #appended = new Map<Core, number>()
  #isLooking = false
  #timer: Timer | undefined

  constructor(runner: Runner, isCluster: boolean) {
    this.#runner = runner
    this.#isCluster = isCluster
  }

  add(core: Core): void {
    this.#appended.set(core, Date.now())
    this.#timer ??= startTimer(EVERY, () => void this.#look())
  }

  forget(core: Core): void {
    this.#appended.delete(core)
    if (!this.#appended.size) this.close()
  }

  close(): void {
    this.#timer?.stop()
    this.#timer = undefined
  }

  async #look() {
    if (this.#isLooking) return
    this.#isLooking = true
    for (const [core, at] of this.#appended) if (Date.now() - at > FOR) this.forget(core)
    // On a Cluster a script looks at logs of one place.
    const places = new Map<string, Core[]>()
    for (const core of this.#appended.keys()) {
      const place = this.#isCluster ? core.keys.place : ''
      const there = places.get(place)
      if (there) there.push(core)
      else places.set(place, [core])
    }
    await Promise.allSettled(
      [...places.values()].map(async (cores) => {
        for (const core of await unclear(this.#runner, cores)) await core.look()
      }),
    )
    this.#isLooking = false
  }
}
