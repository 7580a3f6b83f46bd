import { toId } from '../../log/log.ts'
import { startTimer, type Timer } from '../../log/timer.ts'
import { OUTCOME } from '../../protocol/outcome.ts'
import { Door, type House } from '../door/door.ts'
import type { Grants, Verdict } from '../door/grant.ts'
import type { Place } from '../door/limits.ts'
import type { Exchange, HubRequest, Refusal } from '../http/exchange.ts'
import type { Start } from '../hub/arrivals.ts'
import type { Metrics } from '../metrics.ts'
import type { Filter } from '../published-event.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import { headOfRun } from './head.ts'
import type { Known } from './known.ts'
import type { ReadOptions, RunsOptions } from './options.ts'
import type { Settings } from './settings.ts'
import { Stage, type StageHome } from './stage.ts'

/** How long what a run needs for its readers is kept after the last of them, while it goes on and after its end, in milliseconds. */
const LINGER = 30_000
const LINGER_AFTER = 5000
const GONE: Refusal = { status: 404, message: 'there is no such run: it never was, or it is over and no longer kept' }
/** A standard reader does not return after this. */
const HAD_ALL: Refusal = { status: 204 }

/** What the readers of runs need of them. */
export interface ReadingHome extends StageHome {
  readonly closing: boolean
  find(id: string): Promise<Known | undefined>
  forget(run: Known): void
  claim(user: string, most: number): Promise<(() => void) | undefined>
}

interface Asked {
  readonly id: string
  readonly options: ReadOptions
  stage?: Stage
}

const isNoOutcome: Filter = ({ type }) => type !== OUTCOME

/** Serves runs to their readers: one door for all, and for each run what a hub has for its log. */
export class Reading implements House<HubSubscriber, Start> {
  readonly #home: ReadingHome
  readonly #options: RunsOptions
  readonly #settings: Settings
  readonly #metrics: Metrics
  readonly #door: Door<HubSubscriber, Start>
  readonly #asked = new WeakMap<Exchange, Asked>()
  /** By the life of the run. */
  readonly #stages = new Map<string, Stage>()
  #timer: Timer | undefined

  constructor(home: ReadingHome, options: RunsOptions, settings: Settings, metrics: Metrics) {
    this.#home = home
    this.#options = options
    this.#settings = settings
    this.#metrics = metrics
    this.#door = new Door<HubSubscriber, Start>(this, {
      ...options,
      authorize: (request) => this.#authorize(request),
    })
  }

  enter(exchange: Exchange, id: string, options: ReadOptions): Promise<HubSubscriber | undefined> {
    this.#asked.set(exchange, { id, options })
    const whole = { since: 0 }
    return this.#door.enter(exchange, options.outcome === false ? { ...whole, filter: isNoOutcome } : whole)
  }

  get size(): number {
    let size = 0
    for (const stage of this.#stages.values()) size += stage.size
    return size
  }

  readersOf(life: string): number {
    return this.#stages.get(life)?.size ?? 0
  }

  async close(within: number): Promise<void> {
    this.#timer?.stop()
    const retry = this.#options.retry ?? 1000
    await Promise.all([...this.#stages.values()].map((stage) => stage.close(within, retry)))
    this.#stages.clear()
  }

  async #authorize(request: HubRequest): Promise<Verdict> {
    const asked = this.#asked.get(request as Exchange) as Asked
    const run = await this.#home.find(asked.id)
    if (!run) return GONE
    const { authorize } = this.#options
    const verdict = authorize === 'anyone' || (await authorize(request, this.#home.infoOf(run)))
    if (verdict) asked.stage = this.#stageOf(run)
    return verdict
  }

  #stageOf(run: Known): Stage {
    let stage = this.#stages.get(run.life)
    if (!stage) {
      stage = new Stage(run, this.#settings, this.#options, this.#metrics, this.#home)
      this.#stages.set(run.life, stage)
    }
    stage.usedAt = performance.now()
    this.#timer ??= startTimer(LINGER_AFTER, () => this.#clear())
    return stage
  }

  #clear(): void {
    for (const [life, stage] of this.#stages) {
      const linger = stage.run.state === 'running' ? LINGER : LINGER_AFTER
      if (stage.size > 0 || performance.now() - stage.usedAt < linger) continue
      this.#stages.delete(life)
      stage.close(0, 0).catch((error) => this.report(error))
    }
    if (this.#stages.size > 0) return
    this.#timer?.stop()
    this.#timer = undefined
  }

  // What the door needs.

  get closing(): boolean {
    return this.#home.closing
  }

  make(exchange: Exchange, asked: string, grants: Grants): HubSubscriber {
    return this.#stage(exchange).readers.make(exchange, asked, grants)
  }

  async begin(subscriber: HubSubscriber): Promise<Start | Refusal> {
    const { readers, run, log } = this.#stage(subscriber.exchange)
    const begun = await readers.begin(subscriber)
    const start = subscriber.lastEventId ? begun : await this.#shortcut(subscriber, begun)
    if (run.state === 'running') return start
    const bounds = await readers.shards.all[0]?.feed.bounds()
    const hadAll = bounds && subscriber.lastEventId && start.gaps.length === 0 && start.id === toId(bounds)
    if (bounds?.sealed) return hadAll ? HAD_ALL : start
    // What it had was dropped: there was no room for it.
    void log.expire(0)
    this.#home.forget(run)
    return GONE
  }

  /** One that takes it is given what the events so far come to, and goes on after them. */
  async #shortcut(subscriber: HubSubscriber, begun: Start): Promise<Start> {
    const { exchange, seats, view } = subscriber
    const { options, stage } = this.#asked.get(exchange) as Required<Asked>
    const takes = options.snapshot ?? exchange.query('snapshot') !== undefined
    // What a filter would withhold may be in it.
    const folded = takes && !view.hasFilter ? await stage.folding?.now() : undefined
    if (!folded) return begun
    seats[0]?.moveTo(folded.position)
    return { id: toId(folded.position), gaps: [], snapshot: { type: 'snapshot', data: folded.data } }
  }

  seat(subscriber: HubSubscriber, place: Place, start: Start, head: Record<string, string>): void {
    const { exchange } = subscriber
    const { id, options } = this.#asked.get(exchange) as Asked
    const { readers } = this.#stage(exchange)
    readers.seat(subscriber, place, start, headOfRun(exchange, id, head, options.location))
  }

  claim(user: string, most: number): Promise<(() => void) | undefined> {
    return this.#home.claim(user, most)
  }

  refused(refusal: Refusal, request: HubRequest): void {
    this.#metrics.count('refusals_total', 1, `{status="${refusal.status}"}`)
    this.#options.onRefuse?.(refusal, request)
  }

  report(error: unknown): void {
    this.#home.report(error)
  }

  #stage(exchange: Exchange): Stage {
    return (this.#asked.get(exchange) as Required<Asked>).stage
  }
}
