import { type Log, type Logs, toId } from '../../log/log.ts'
import { memoryLogs } from '../../log/memory.ts'
import { startTimer, type Timer } from '../../log/timer.ts'
import type { Outcome } from '../../protocol/outcome.ts'
import { NodeExchange } from '../http/node.ts'
import type { NodeRequest, NodeResponse } from '../http/node-types.ts'
import { WebExchange } from '../http/web.ts'
import { LOG_TIMEOUT } from '../hub/publisher.ts'
import { Metrics, type MetricsOptions, writeLabels } from '../metrics.ts'
import { Delivery } from '../reader/delivery.ts'
import type { Subscriber } from '../reader/subscriber.ts'
import { report } from '../report.ts'
import { checkClose, checkId, checkRunsOptions, checkStart } from './check-options.ts'
import { RunError } from './errors.ts'
import { Lease, type LeaseHome } from './lease.ts'
import type { ReadOptions, Run, RunInfo, Runs, RunsOptions, Source, StartOptions } from './options.ts'
import { Producing } from './production.ts'
import { Reading, type ReadingHome } from './reading.ts'
import { type Known, Registry, type RegistryHome } from './registry.ts'
import { checkSource } from './sources.ts'

/** Makes runs: streams that end, and survive. Throws `invalid-option` for options that cannot be meant. */
export function createRuns(options: RunsOptions): Runs {
  checkRunsOptions(options)
  return new LogRuns(options)
}

class LogRuns implements Runs, RegistryHome, LeaseHome, ReadingHome {
  readonly kept: number
  readonly longest: number
  readonly most: number
  closing = false
  readonly #options: RunsOptions
  readonly #logs: Logs
  readonly #ownLogs: Logs | undefined
  readonly #name: string
  readonly #patience: number
  readonly #metrics = new Metrics()
  readonly #registry: Registry
  readonly #lease: Lease
  readonly #reading: Reading
  /** What goes on here, by its life. */
  readonly #producing = new Map<string, Producing>()
  readonly #waiting = new Map<string, Array<() => void>>()
  readonly #check: Timer
  #closed: Promise<void> | undefined

  constructor(options: RunsOptions) {
    const { keep = 600_000, keepUnread = keep, maxDuration = 3_600_000, maxRuns = 100_000 } = options
    this.#options = options
    this.kept = Math.max(keep, keepUnread)
    this.longest = maxDuration + this.kept
    this.most = maxRuns
    if (!options.logs) this.#ownLogs = memoryLogs({ logs: maxRuns + 1 })
    this.#logs = options.logs ?? (this.#ownLogs as Logs)
    this.#name = options.name ?? 'runs'
    this.#patience = options.logTimeout ?? LOG_TIMEOUT
    const log = this.#logs.open(this.#name, { count: maxRuns * 3, bytes: Number.MAX_SAFE_INTEGER })
    this.#registry = new Registry(log, this.#patience, this)
    this.#lease = new Lease(log, this)
    this.#reading = new Reading(this, options, this.#patience, this.#metrics)
    this.#check = startTimer(5000, () => void this.#registry.check().catch((error) => this.report(error)))
  }

  async start(id: string | undefined, source: Source, options: StartOptions = {}): Promise<Run> {
    checkStart(id, options)
    checkSource(source)
    if (this.closing) throw new RunError('runs-closed', 'these runs are closed: start before close()')
    const name = id ?? crypto.randomUUID()
    const known = id === undefined ? undefined : await this.find(name)
    if (known && !(options.again && known.state !== 'running')) return this.#joined(known)
    const { maxRunning = 10_000 } = this.#options
    if (this.#producing.size >= maxRunning) {
      throw new RunError('too-many-runs', `${maxRunning} runs go on in this process: try again, or raise maxRunning`)
    }
    await this.#registry.ready()
    await this.#lease.hold()
    return this.#begin(name, known?.life ?? '', source, options)
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
    const here = this.#producing.get(run.life)
    if (here) await here.stop(reason)
    else await this.#registry.note({ kind: 'stop', id, life: run.life, reason })
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
    const all = [...this.#producing.values()]
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, within)
    })
    await Promise.race([Promise.all(all.map(({ ended }) => ended)), late])
    clearTimeout(timer)
    await Promise.all(all.map((one) => one.fail('server-stopped')))
    // Each is noted as over.
    await new Promise((resolve) => setTimeout(resolve))
    await this.#reading.close(within)
    this.#lease.close()
    this.#registry.close()
    await this.#ownLogs?.close()
  }

  // How a run begins, and ends.

  /** Exactly one of those who begin it at the same time does, whichever process they are. */
  async #begin(id: string, before: string, source: Source, options: StartOptions): Promise<Run> {
    const by = this.#lease.me
    const { owner } = options
    const life = crypto.randomUUID()
    const appended = await this.#registry.note(
      { kind: 'start', id, life, by, at: Date.now(), owner },
      `start ${id} ${before}`,
    )
    if (appended.repeated) {
      await this.#registry.check()
      const known = await this.find(id)
      // The key of one that is long over is known longer than the run.
      return known ? this.#joined(known) : this.#begin(id, toId(appended), source, options)
    }
    const run = (await this.find(id)) as Known
    const producing = this.#produce(run)
    void producing.run(source)
    if (options.stopWhenUnread) this.#stopUnread(producing, run, options.stopWhenUnread)
    return { id, isNew: true, outcome: producing.ended }
  }

  #produce(run: Known): Producing {
    const { maxEvents = 100_000, maxBytes = 16_777_216, maxDuration = 3_600_000 } = this.#options
    const log = this.logOf(run)
    const bounds = { maxEvents, maxBytes, maxDuration, keep: this.kept, patience: this.#patience }
    const producing = new Producing(run.id, log, bounds, (error) => this.report(error))
    const { id, life } = run
    this.#producing.set(life, producing)
    // Whatever becomes of us, it does not stay for ever.
    const expiring = async (): Promise<void> => {
      await log.expire(this.longest)
      await this.#registry.log.expire(2 * this.longest)
    }
    expiring().catch((error) => this.report(error))
    void producing.ended.then(async ({ state, code }) => {
      this.#producing.delete(life)
      try {
        if (!producing.isReplaced) await this.#registry.note({ kind: 'end', id, life, state, at: Date.now(), code })
      } catch (error) {
        this.report(error)
      }
      await log.close()
    })
    return producing
  }

  #joined(run: Known): Run {
    const here = this.#producing.get(run.life)
    const outcome = here ? here.ended : this.#outcomeOf(run).catch(() => told(run))
    return { id: run.id, isNew: false, outcome }
  }

  async #outcomeOf(run: Known): Promise<Outcome> {
    if (run.state === 'running') {
      await new Promise<void>((resolve) => {
        this.#waiting.set(run.life, [...(this.#waiting.get(run.life) ?? []), resolve])
      })
    }
    const log = this.logOf(run)
    try {
      const { epoch, offset } = await log.bounds()
      const page = await log.read({ epoch, offset: offset - 1 }, 1)
      const entry = page?.entries[0]
      return entry ? (new Delivery(entry).data as Outcome) : told(run)
    } finally {
      await log.close()
    }
  }

  #stopUnread(producing: Producing, run: Known, after: number): void {
    let readAt = performance.now()
    const timer = startTimer(after / 4, async () => {
      if (producing.isOver) return timer.stop()
      if (this.readersOf(run.life) > 0) readAt = performance.now()
      if (performance.now() - readAt < after) return
      const readers = await this.#lease.readersOf(run.life).catch(() => 1)
      if (readers > 0) readAt = performance.now()
      else await producing.stop('unread')
    })
    void producing.ended.then(timer.stop)
  }

  // What its parts ask.

  find(id: string): Promise<Known | undefined> {
    this.#lease.join()
    return this.#registry.find(id)
  }

  logOf({ id, life }: Known): Log {
    const { maxEvents = 100_000 } = this.#options
    const bounds = { count: maxEvents + 2, bytes: Number.MAX_SAFE_INTEGER }
    return this.#logs.open(`${this.#name}:${id}:${life}`, bounds)
  }

  infoOf({ id, state, owner, startedAt, endedAt, code, life }: Known): RunInfo {
    return { id, state, owner, startedAt, endedAt, code, readers: this.readersOf(life) }
  }

  forget({ id }: Known): void {
    this.#registry.forget(id)
  }

  hadAll(_: Known, log: Log): void {
    const { keep = 600_000 } = this.#options
    void Promise.resolve(log.expire(keep)).catch((error) => this.report(error))
  }

  readersOf(life: string): number {
    return this.#reading.readersOf(life)
  }

  async claim(): Promise<() => void> {
    return () => {}
  }

  get producers(): string[] {
    return this.#registry.all.filter(({ state }) => state === 'running').map(({ by }) => by)
  }

  async lost(process: string): Promise<void> {
    for (const run of this.#registry.all) {
      if (run.by !== process || run.state !== 'running') continue
      await this.#registry.note({ kind: 'take', id: run.id, life: run.life, by: this.#lease.me })
      await this.#lease.hold()
      const producing = this.#produce(run)
      const source = await this.#options.onLost?.(this.infoOf(run))
      if (source === undefined) await producing.fail('producer-lost')
      else void producing.run(source)
    }
  }

  ended(run: Known): void {
    // Somebody else has ended it.
    if (this.#producing.has(run.life)) this.#producing.get(run.life)?.replace()
    for (const resolve of this.#waiting.get(run.life) ?? []) resolve()
    this.#waiting.delete(run.life)
  }

  stopped(run: Known, reason: string | undefined): void {
    void this.#producing.get(run.life)?.stop(reason)
  }

  taken(run: Known): void {
    if (run.by !== this.#lease.me) this.#producing.get(run.life)?.replace()
  }

  report(error: unknown): void {
    this.#metrics.count('errors_total')
    report(error, this.#options)
  }
}

/** As much of an outcome as everybody knows. */
function told({ state, code }: Known): Outcome {
  return { state: state === 'running' ? 'failed' : state, code }
}
