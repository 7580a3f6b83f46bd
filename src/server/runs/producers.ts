import { toId } from '../../log/log.ts'
import { atMost } from '../within.ts'
import { runError } from './errors.ts'
import type { Known } from './known.ts'
import type { Lease } from './lease.ts'
import type { Run, RunInfo, RunsOptions, Source, StartOptions } from './options.ts'
import type { Outcomes } from './outcomes.ts'
import { Producing } from './producing.ts'
import type { Registry } from './registry.ts'
import type { Settings } from './settings.ts'
import { watchReaders } from './unread.ts'

/** What producers need of the runs that they are of. */
export interface ProducersHome {
  infoOf(run: Known): RunInfo
  report(error: unknown): void
}

/** The runs that go on in this process: how they begin, and how they end. */
export class Producers {
  readonly #settings: Settings
  readonly #registry: Registry
  readonly #lease: Lease
  readonly #outcomes: Outcomes
  readonly #onLost: RunsOptions['onLost']
  readonly #home: ProducersHome
  /** By the life of the run. */
  readonly #all = new Map<string, Producing>()
  /** Those that are written down as over. */
  readonly #noting = new Set<Promise<void>>()

  constructor(
    settings: Settings,
    parts: { registry: Registry; lease: Lease; outcomes: Outcomes },
    onLost: RunsOptions['onLost'],
    home: ProducersHome,
  ) {
    this.#settings = settings
    this.#registry = parts.registry
    this.#lease = parts.lease
    this.#outcomes = parts.outcomes
    this.#onLost = onLost
    this.#home = home
  }

  /** Starts a run, or joins the one that is there. */
  async start(id: string, known: Known | undefined, source: Source, options: StartOptions): Promise<Run> {
    if (known && !(options.again && known.state !== 'running')) return this.#joined(known)
    const { maxRunning } = this.#settings
    if (this.#all.size >= maxRunning) {
      throw runError('too-many-runs', `${maxRunning} runs go on in this process: try again, or raise maxRunning`)
    }
    await this.#lease.hold()
    return this.#begin(id, known?.life ?? '', source, options)
  }

  /** Stops a run, wherever it goes on. */
  async stop(run: Known, reason: string | undefined): Promise<void> {
    const here = this.#all.get(run.life)
    if (here) await here.stop(reason)
    else await this.#registry.note({ kind: 'stop', id: run.id, life: run.life, reason })
  }

  /** A process is gone: what it produced is ours, and nobody else's. */
  async takeOver(producer: string): Promise<void> {
    for (const run of [...this.#registry.running]) {
      if (run.by !== producer || run.state !== 'running') continue
      await this.#registry.note({ kind: 'take', id: run.id, life: run.life, by: this.#lease.me })
      await this.#lease.hold()
      const producing = this.#produce(run)
      const source = await this.#nextOf(run)
      if (source === undefined) await producing.fail('producer-lost')
      else void producing.run(source)
    }
  }

  /** Waits for those that go on; then ends them. */
  async close(within: number): Promise<void> {
    const all = [...this.#all.values()]
    await atMost(
      within,
      all.map(({ ended }) => ended),
    )
    await Promise.all([...this.#all.values()].map((one) => one.fail('server-stopped')))
    await Promise.all(this.#noting)
  }

  // What others have noted.

  ended(run: Known): void {
    // Where it goes on here all the same, somebody else has ended it.
    this.#all.get(run.life)?.replace()
    this.#outcomes.ended(run)
  }

  stopped(run: Known, reason: string | undefined): void {
    void this.#all.get(run.life)?.stop(reason)
  }

  taken(run: Known): void {
    if (run.by !== this.#lease.me) this.#all.get(run.life)?.replace()
  }

  /** Exactly one of those who begin it at the same time does, whichever process they are. */
  async #begin(id: string, before: string, source: Source, options: StartOptions): Promise<Run> {
    const { owner, stopWhenUnread } = options
    const life = crypto.randomUUID()
    const note = { kind: 'start', id, life, by: this.#lease.me, at: Date.now(), owner } as const
    const appended = await this.#registry.note(note, `start ${id} ${before}`)
    if (appended.repeated) {
      await this.#registry.check()
      const known = await this.#registry.find(id)
      // The key of one that is long over is known longer than the run.
      return known ? this.#joined(known) : this.#begin(id, toId(appended), source, options)
    }
    const run = (await this.#registry.find(id)) as Known
    const producing = this.#produce(run)
    void producing.run(source)
    if (stopWhenUnread !== undefined) watchReaders(producing, life, stopWhenUnread, this.#lease)
    return { id, isNew: true, outcome: producing.ended }
  }

  #joined(run: Known): Run {
    const outcome = this.#all.get(run.life)?.ended ?? this.#outcomes.of(run)
    return { id: run.id, isNew: false, outcome }
  }

  #produce(run: Known): Producing {
    const { longest } = this.#settings
    const log = this.#settings.logOf(run)
    const producing = new Producing(run.id, log, this.#settings, (error) => this.#home.report(error))
    this.#all.set(run.life, producing)
    // Whatever becomes of us, it does not stay for ever.
    const expire = async (): Promise<void> => {
      await log.expire(longest)
      await this.#registry.log.expire(2 * longest)
    }
    expire().catch((error) => this.#home.report(error))
    const noting = this.#noteEnd(run, producing).finally(() => this.#noting.delete(noting))
    this.#noting.add(noting)
    return producing
  }

  async #noteEnd({ id, life }: Known, producing: Producing): Promise<void> {
    const { state, code } = await producing.ended
    this.#all.delete(life)
    try {
      if (!producing.isReplaced) await this.#registry.note({ kind: 'end', id, life, state, at: Date.now(), code })
      await producing.log.close()
    } catch (error) {
      this.#home.report(error)
    }
  }

  /** What goes on with a run whose producer is lost. */
  async #nextOf(run: Known): Promise<Source | undefined> {
    try {
      return await this.#onLost?.(this.#home.infoOf(run))
    } catch (error) {
      this.#home.report(error)
      return undefined
    }
  }
}
