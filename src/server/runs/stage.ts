import { type Log, toId } from '../../log/log.ts'
import { Readers } from '../hub/readers.ts'
import { Spread } from '../hub/spread.ts'
import type { Metrics } from '../metrics.ts'
import type { CloseReason } from '../reader/close-reason.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import type { Subscriber } from '../reader/subscriber.ts'
import { Folding } from './folding.ts'
import type { Known } from './known.ts'
import type { RunInfo, RunsOptions } from './options.ts'
import type { Settings } from './settings.ts'

/** What the readers of one run need of the runs. */
export interface StageHome {
  infoOf(run: Known): RunInfo
  report(error: unknown): void
}

/** The readers of one run in this process, and its log: what a hub has of its own. */
export class Stage {
  readonly run: Known
  readonly log: Log
  readonly readers: Readers
  /** When somebody came last, on the clock of `performance.now()`. */
  usedAt = 0
  readonly folding: Folding | undefined
  readonly #settings: Settings

  constructor(run: Known, settings: Settings, options: RunsOptions, metrics: Metrics, home: StageHome) {
    const { heartbeat, ping, retry, maxQueued, stallTimeout, hookTimeout, keepUnread, ...hooks } = options
    const report = (error: unknown): void => home.report(error)
    const onConnect = (reader: Subscriber) => hooks.onConnect?.(reader, home.infoOf(run))
    const onDisconnect = (reader: Subscriber, reason: CloseReason): void => {
      if (keepUnread !== undefined) this.#left((reader as HubSubscriber).outbox.sent).catch(report)
      hooks.onDisconnect?.(reader, reason, home.infoOf(run))
    }
    const served = {
      ...{ heartbeat, ping, retry, maxQueued, stallTimeout, hookTimeout, onDisconnect },
      ...(hooks.onConnect && { onConnect }),
      onError: report,
    }
    this.run = run
    this.log = settings.logOf(run)
    this.readers = new Readers(new Spread(this.log), settings.patience, served, metrics, true)
    const [shard] = this.readers.shards.all
    if (options.fold && shard) this.folding = new Folding(options.fold, shard.feed)
    this.#settings = settings
  }

  get size(): number {
    return this.readers.roster.all.size
  }

  async close(within: number, retry: number): Promise<void> {
    await this.readers.close(within, retry)
    await this.log.close()
  }

  /** Who has had all of it has read it: it need not be kept for longer than others. */
  async #left(id: string): Promise<void> {
    if (this.run.state === 'running') return
    const bounds = await this.log.bounds()
    if (bounds.sealed && toId(bounds) === id) await this.log.expire(this.#settings.keep)
  }
}
