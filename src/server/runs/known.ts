import type { Outcome } from '../../protocol/outcome.ts'
import type { End, Start } from './note.ts'
import type { Settings } from './settings.ts'

/** A run as all processes know it. */
export interface Known {
  readonly id: string
  /** New each time that it is begun again. */
  readonly life: string
  readonly owner: string | undefined
  readonly startedAt: number
  /** Which process produces it. */
  by: string
  state: 'running' | Outcome['state']
  endedAt: number | undefined
  code: string | undefined
}

/** The runs that can be read, by their ids: those that are over go when their time is up, and the oldest of them at the bound. */
export class KnownRuns {
  readonly #settings: Settings
  readonly #all = new Map<string, Known>()
  /** In the order in which they began. */
  readonly #running = new Set<Known>()
  /** In the order in which they ended. */
  readonly #over = new Set<Known>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** In the order in which they began. */
  get all(): Known[] {
    return [...this.#all.values()].filter((run) => this.isKept(run))
  }

  get running(): Iterable<Known> {
    return this.#running
  }

  get(id: string): Known | undefined {
    return this.#all.get(id)
  }

  isKept({ startedAt, endedAt }: Known): boolean {
    const until = endedAt === undefined ? startedAt + this.#settings.longest : endedAt + this.#settings.kept
    return Date.now() < until
  }

  add({ id, life, by, at, owner }: Start): void {
    // Behind the others, also where it is begun again.
    this.drop(id)
    const run: Known = { id, life, owner, startedAt: at, by, state: 'running', endedAt: undefined, code: undefined }
    this.#all.set(id, run)
    this.#running.add(run)
    this.#sweep()
  }

  end(run: Known, { state, at, code }: End): void {
    Object.assign(run, { state, endedAt: at, code })
    this.#running.delete(run)
    this.#over.add(run)
  }

  drop(id: string): void {
    const run = this.#all.get(id)
    if (!run) return
    this.#running.delete(run)
    this.#over.delete(run)
    this.#all.delete(id)
  }

  #sweep(): void {
    for (const run of this.#over) {
      if (this.isKept(run) && this.#all.size <= this.#settings.most) break
      this.drop(run.id)
    }
    for (const run of this.#running) {
      if (this.isKept(run)) break
      this.drop(run.id)
    }
  }
}
