import { startTimer, type Timer } from '../../log/timer.ts'
import { NodeExchange } from '../http/node.ts'
import type { NodeRequest, NodeResponse } from '../http/node-types.ts'
import { WebExchange } from '../http/web.ts'
import { Metrics, type MetricsOptions, writeLabels } from '../metrics.ts'
import type { Subscriber } from '../reader/subscriber.ts'
import { report } from '../report.ts'
import { checkClose, checkId, checkRunsOptions, checkStart } from './check-options.ts'
import { runError } from './errors.ts'
import type { Known } from './known.ts'
import { Lease, type LeaseHome } from './lease.ts'
import type { ReadOptions, Run, RunInfo, Runs, RunsOptions, Source, StartOptions } from './options.ts'
import { Outcomes } from './outcomes.ts'
import { Producers } from './producers.ts'
import { Reading, type ReadingHome } from './reading.ts'
import { Registry } from './registry.ts'
import { Settings } from './settings.ts'
import { checkSource } from './sources.ts'

/** How often the log of all runs is asked whether it is ahead of us, in milliseconds. */
const CHECK = 5000

/** Makes runs: streams that end, and survive. Throws `invalid-option` for options that cannot be meant. */
export function createRuns(options: RunsOptions): Runs {
  checkRunsOptions(options)
  return new LogRuns(options)
}

class LogRuns implements Runs, LeaseHome, ReadingHome {
  closing = false
  readonly #options: RunsOptions
  readonly #settings: Settings
  readonly #metrics = new Metrics()
  readonly #registry: Registry
  readonly #lease: Lease
  readonly #producers: Producers
  readonly #reading: Reading
  readonly #check: Timer
  #closed: Promise<void> | undefined

  constructor(options: RunsOptions) {
    this.#options = options
    this.#settings = new Settings(options)
    const registry = new Registry(this.#settings, {
      ended: (run) => this.#producers.ended(run),
      stopped: (run, reason) => this.#producers.stopped(run, reason),
      taken: (run) => this.#producers.taken(run),
      report: (error) => this.report(error),
    })
    const lease = new Lease(this.#settings.log, this)
    const parts = { registry, lease, outcomes: new Outcomes(this.#settings) }
    this.#registry = registry
    this.#lease = lease
    this.#producers = new Producers(this.#settings, parts, options.onLost, this)
    this.#reading = new Reading(this, options, this.#settings, this.#metrics)
    this.#check = startTimer(CHECK, () => void registry.check().catch((error) => this.report(error)))
  }

  async start(id: string | undefined, source: Source, options: StartOptions = {}): Promise<Run> {
    checkStart(id, options)
    checkSource(source)
    const name = id ?? crypto.randomUUID()
    const known = await this.find(name)
    if (this.closing) throw runError('runs-closed', 'these runs are closed: start before close()')
    return this.#producers.start(name, known, source, options)
  }

  // Bound, so that they can be handed on as they are.
  readonly handle = async (
    request: NodeRequest,
    response: NodeResponse,
    id: string,
    options: ReadOptions = {},
  ): Promise<Subscriber | undefined> => {
    return this.#reading.enter(new NodeExchange(request, response), id, options)
  }

  readonly fetch = async (request: Request, id: string, options: ReadOptions = {}): Promise<Response> => {
    const exchange = new WebExchange(request)
    await this.#reading.enter(exchange, id, options)
    return exchange.response
  }

  readonly stop = async (id: string, reason?: string): Promise<boolean> => {
    checkId(id)
    const run = await this.find(id)
    if (run?.state !== 'running') return false
    await this.#producers.stop(run, reason)
    return true
  }

  async get(id: string): Promise<RunInfo | undefined> {
    checkId(id)
    const run = await this.find(id)
    return run && this.infoOf(run)
  }

  async list(): Promise<RunInfo[]> {
    await this.#registry.ready()
    await this.#registry.check()
    return this.#registry.all.map((run) => this.infoOf(run))
  }

  metrics(options: MetricsOptions = {}): string {
    return this.#metrics.render(this.#reading.size, options.prefix ?? 'unmissed_runs', writeLabels(options))
  }

  close(options: { within?: number | undefined } = {}): Promise<void> {
    checkClose(options)
    this.#closed ??= this.#close(options.within ?? 10_000)
    return this.#closed
  }

  async #close(within: number): Promise<void> {
    this.closing = true
    this.#check.stop()
    await this.#producers.close(within)
    await this.#reading.close(within)
    this.#lease.close()
    this.#registry.close()
    await this.#settings.close()
  }

  // What its parts ask.

  find(id: string): Promise<Known | undefined> {
    this.#lease.join()
    return this.#registry.find(id)
  }

  infoOf({ id, state, owner, startedAt, endedAt, code, life }: Known): RunInfo {
    return { id, state, owner, startedAt, endedAt, code, readers: this.readersOf(life) }
  }

  forget({ id }: Known): void {
    this.#registry.forget(id)
  }

  readersOf(life: string): number {
    return this.#reading.readersOf(life)
  }

  claim(user: string, most: number): Promise<(() => void) | undefined> {
    return this.#lease.claim(user, most)
  }

  get producers(): string[] {
    return Array.from(this.#registry.running, ({ by }) => by)
  }

  lost(producer: string): Promise<void> {
    return this.#producers.takeOver(producer)
  }

  report(error: unknown): void {
    this.#metrics.count('errors_total')
    report(error, this.#options)
  }
}
