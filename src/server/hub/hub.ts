import { flag } from '../../check/rules.ts'
import type { Log } from '../../log/log.ts'
import { type MemoryLogs, memoryLogs } from '../../log/memory.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { check, OptionError } from '../check.ts'
import { Door, type House } from '../door/door.ts'
import type { Grants } from '../door/grant.ts'
import type { Place } from '../door/limits.ts'
import { checkSubscription, isPlatforms, type Subscription } from '../door/subscription.ts'
import { HubClosed } from '../errors.ts'
import type { Exchange, HubRequest, Refusal } from '../http/exchange.ts'
import { NodeExchange } from '../http/node.ts'
import type { NodeRequest, NodeResponse } from '../http/node-types.ts'
import { WebExchange } from '../http/web.ts'
import { Metrics, type MetricsOptions, writeLabels } from '../metrics.ts'
import { AcceptedConnection } from '../reader/accept.ts'
import type { Connection, EndOptions } from '../reader/connection.ts'
import type { HubSubscriber } from '../reader/hub-subscriber.ts'
import type { Subscriber } from '../reader/subscriber.ts'
import { report } from '../report.ts'
import type { Start } from './arrivals.ts'
import type { Audience, Everyone } from './audience.ts'
import { checkCloseOptions, checkHubOptions } from './check-options.ts'
import { Everywhere } from './everywhere.ts'
import type { CloseOptions, EverywhereStats, Hub, HubOptions, HubStats, PublishOptions, Whom } from './options.ts'
import { LOG_TIMEOUT, Publisher } from './publisher.ts'
import { Readers } from './readers.ts'
import { Spread } from './spread.ts'
import { statistics } from './statistics.ts'
import { checkWhom, count, find, usersOf } from './whom.ts'

/** Makes a hub: many readers, and what they are told of. Throws `invalid-option` for options that cannot be meant. */
export function createHub<Events = Record<string, unknown>, Metadata = unknown>(
  options: HubOptions<Metadata> = {},
): Hub<Events, Metadata> {
  checkHubOptions(options)
  return new LogHub(options as HubOptions) as unknown as Hub<Events, Metadata>
}

class LogHub implements Hub, House<HubSubscriber, Start> {
  readonly #options: HubOptions
  /** What the hub made for itself, and so has to close. */
  readonly #ownLogs: MemoryLogs | undefined
  readonly #metrics = new Metrics()
  readonly #publisher: Publisher
  readonly #readers: Readers
  readonly #everywhere: Everywhere
  readonly #door: Door<HubSubscriber, Start>
  #closing: Promise<void> | undefined
  #closed = false

  constructor(given: HubOptions) {
    const onError = (error: unknown): void => {
      this.#metrics.count('errors_total')
      report(error, given)
    }
    const options = { ...given, onError }
    const { history, log } = options
    this.#options = options
    if (!log) this.#ownLogs = memoryLogs({ bytes: Number.POSITIVE_INFINITY })
    const own = typeof history === 'number' ? { count: history } : history
    const spread = new Spread(log ?? (this.#ownLogs as MemoryLogs).open('hub', own))
    const patience = options.logTimeout ?? LOG_TIMEOUT
    this.#readers = new Readers(spread, patience, options, this.#metrics)
    this.#publisher = new Publisher(spread, patience, (id, event) => {
      this.#metrics.count('published_total')
      this.#readers.hooks.call(options.onPublish, id, event)
    })
    this.#everywhere = new Everywhere(spread.logs[0] as Log, this)
    this.#door = new Door<HubSubscriber, Start>(this, options)
  }

  get size(): number {
    return this.#readers.roster.all.size
  }

  // Bound, so that they can be handed on as they are: `app.get('/events', hub.handle)`, `export const GET = hub.fetch`. With
  // at most three parameters: Express takes what has four for a handler of errors.
  readonly handle = async (
    request: NodeRequest,
    response: NodeResponse,
    subscription: Subscription | (() => void) = {},
  ): Promise<Subscriber | undefined> => {
    const asked = typeof subscription === 'function' ? { next: subscription } : subscription
    const exchange = this.#make(() => new NodeExchange(request, response))
    return exchange && this.#door.enter(exchange, asked)
  }

  readonly fetch = async (request: Request, ...more: unknown[]): Promise<Response> => {
    const exchange = this.#make(() => new WebExchange(request))
    if (!exchange) return new Response(null, { status: 500 })
    const [second, ...others] = more
    await this.#door.enter(exchange, isPlatforms(second, ...others) ? {} : ((second ?? {}) as Subscription))
    return exchange.response
  }

  add(connection: Connection, subscription: Subscription = {}): Subscriber {
    checkSubscription(subscription)
    if (!(connection instanceof AcceptedConnection)) throw new OptionError('add takes a connection that accept made')
    if (this.closing) throw new HubClosed()
    const { lastEventId, open } = connection
    const exchange = connection.handOver()
    const grants = {
      subscription,
      filter: subscription.filter,
      allowance: undefined,
      expires: Number.POSITIVE_INFINITY,
    }
    const subscriber = this.#readers.make(exchange, lastEventId, grants)
    if (!open) {
      subscriber.over()
      return subscriber
    }
    connection.follow(subscriber)
    this.#readers.welcome(subscriber)
    this.#readers.begin(subscriber).then(
      (start) => this.#readers.start(subscriber, start),
      (error) => subscriber.fail(error),
    )
    return subscriber
  }

  publish(
    event: OutgoingEvent,
    audience?: Audience | Everyone,
    options: PublishOptions = {},
  ): Promise<{ readonly id: string }> {
    const published = this.#closed ? Promise.reject(new HubClosed()) : this.#publisher.publish(event, audience, options)
    // Who does not await it has not asked to lose the process over it.
    published.catch((error) => this.report(error))
    return published
  }

  disconnect(who: Whom<Subscriber> | Everyone, options?: EndOptions): number
  disconnect(who: Whom<Subscriber> | Everyone, options: EndOptions & { readonly everywhere: true }): Promise<number>
  disconnect(
    who: Whom<Subscriber> | Everyone,
    options: EndOptions & { readonly everywhere?: boolean } = {},
  ): number | Promise<number> {
    check('disconnect', options, { now: flag, everywhere: flag })
    const { now = false, everywhere } = options
    if (everywhere) return this.#everywhere.disconnect(who, now)
    const found = [...find(this.#readers.roster, checkWhom(who))]
    for (const subscriber of found) subscriber.close({ now })
    return found.length
  }

  count(who: Whom<Subscriber> | Everyone): number {
    return count(this.#readers.roster, checkWhom(who))
  }

  subscribers(who: Whom<Subscriber> | Everyone = 'everyone'): IterableIterator<Subscriber> {
    return find(this.#readers.roster, checkWhom(who))
  }

  users(topic?: string): ReadonlySet<string> {
    return usersOf(this.#readers.roster, topic)
  }

  stats(): HubStats
  stats(options: { readonly everywhere: true }): Promise<EverywhereStats>
  stats(options: { readonly everywhere?: boolean } = {}): HubStats | Promise<EverywhereStats> {
    check('stats', options, { everywhere: flag })
    if (options.everywhere) return this.#everywhere.stats()
    return statistics(this.#readers.roster, this.#readers.shards.newest)
  }

  metrics(options: MetricsOptions = {}): string {
    const labels = writeLabels(options)
    return this.#metrics.render(this.size, options.prefix ?? 'unmissed', labels)
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options)
    const { within: patience = 10_000, retry = this.#options.retry ?? 1000 } = options
    this.#closing ??= this.#close(patience, retry)
    return this.#closing
  }

  // What is handed on where it cannot be is told: the promise of a handler is nobody's to await.
  #make<Kind extends Exchange>(make: () => Kind): Kind | undefined {
    try {
      return make()
    } catch (error) {
      this.report(error)
      return undefined
    }
  }

  async #close(patience: number, retry: number): Promise<void> {
    await this.#readers.close(patience, retry)
    this.#closed = true
    this.#everywhere.close()
    try {
      await this.#ownLogs?.close()
    } catch (error) {
      this.report(error)
    }
  }

  // What the door needs of it.

  get closing(): boolean {
    return this.#closing !== undefined
  }

  make(exchange: Exchange, asked: string, grants: Grants): HubSubscriber {
    return this.#readers.make(exchange, asked, grants)
  }

  claim(user: string, most: number): Promise<(() => void) | undefined> {
    return this.#everywhere.claim(user, most)
  }

  begin(subscriber: HubSubscriber): Promise<Start> {
    this.#everywhere.join()
    return this.#readers.begin(subscriber)
  }

  seat(subscriber: HubSubscriber, place: Place, start: Start, head: Record<string, string>): void {
    this.#readers.seat(subscriber, place, start, head)
  }

  refused(refusal: Refusal, request: HubRequest): void {
    this.#metrics.count('refusals_total', 1, `{status="${refusal.status}"}`)
    this.#readers.hooks.call(this.#options.onRefuse, refusal, request)
  }

  report(error: unknown): void {
    this.#options.onError?.(error)
  }
}
