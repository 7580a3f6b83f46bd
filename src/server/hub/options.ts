import type { Log } from '../../log/log.ts'
import type { MemoryLogOptions } from '../../log/retention.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import type { Authorize } from '../door/authorize.ts'
import type { CorsOptions } from '../door/cors.ts'
import type { LimitOptions } from '../door/limits.ts'
import type { Subscription } from '../door/subscription.ts'
import type { HubRequest, Refusal } from '../http/exchange.ts'
import type { Negotiate } from '../http/negotiation.ts'
import type { NodeRequest, NodeResponse } from '../http/node-types.ts'
import type { MetricsOptions } from '../metrics.ts'
import type { PublishedEvent } from '../published-event.ts'
import type { CloseReason } from '../reader/close-reason.ts'
import type { Connection, EndOptions, QueueOptions } from '../reader/connection.ts'
import type { Gap } from '../reader/gap.ts'
import type { SlowPolicy } from '../reader/slow.ts'
import type { Subscriber, SubscriberState } from '../reader/subscriber.ts'
import type { Audience, Everyone } from './audience.ts'

/** An event of a map from types to data: `{ tick: Tick }` allows `{ type: 'tick', data: tick }`. */
export type HubEvent<Events> = string extends keyof Events
  ? OutgoingEvent
  : {
      [Type in keyof Events & string]: Omit<OutgoingEvent, 'type' | 'data'> & {
        readonly data: Events[Type]
      } & (Type extends 'message' ? { readonly type?: Type | undefined } : { readonly type: Type })
    }[keyof Events & string]

/** How a hub serves its readers. */
export interface HubOptions<Metadata = unknown> extends QueueOptions {
  /** Says who may connect, before anything is sent. Default: everybody may. */
  authorize?: Authorize<Metadata> | undefined
  /** How long `authorize` may take, in milliseconds; then the answer is 503. Default: 10000. */
  authorizeTimeout?: number | undefined
  /** How much is kept for replay in this process: a number of events, or more closely. Not used with a `log`. Default: 1000. */
  history?: number | MemoryLogOptions | undefined
  /** The log that is delivered from; the hub does not close it. Or several, at most 64, which topics are spread over: see “Many topics, several logs”. Default: one in memory, for this process, which it does. */
  log?: Log | readonly Log[] | undefined
  /** How long a log may take to answer, in milliseconds; then it counts as an error. Default: 5000. */
  logTimeout?: number | undefined
  /** The longest silence of the hub towards a reader, in milliseconds, announced in the head; `0` for no limit. Default: 15000. */
  heartbeat?: number | undefined
  /** The type of an event that is sent as the heartbeat, for readers that cannot see comments. Default: none, a comment is sent. */
  ping?: string | undefined
  /** The reconnection time that readers are given, in milliseconds. Default: none, their own. */
  retry?: number | undefined
  /** Whether a `connected` event with the client's id and the time comes first; a string names it differently. Default: false. */
  connected?: boolean | string | undefined
  /** What happens to a reader that is further behind than `maxQueued`. Default: `'disconnect'`. */
  slow?: SlowPolicy | undefined
  /** Which other origins may read: a list, `'*'` for all, or more closely. Default: none. */
  cors?: CorsOptions | CorsOptions['origins'] | undefined
  /** How many connections there may be. Default: no limit. */
  limits?: LimitOptions | undefined
  /** The longest life of a connection, in milliseconds; each gets 80 to 100 % of it. Default: none. */
  maxDuration?: number | undefined
  /** The methods that get a stream; others are answered 405. HEAD gets the head. Default: `['GET', 'POST']`. */
  methods?: readonly string[] | undefined
  /** Which requests are for a stream, by their `Accept`: all but those for a page (`'lenient'`), those that accept `text/event-stream` (`'strict'`), or as a function says. Default: `'lenient'`. */
  negotiate?: Negotiate | undefined
  /** More headers for each stream's head. Default: none. */
  headers?: Record<string, string> | undefined
  /** Called with each new subscriber. What it returns is awaited before live events: a snapshot that it sends comes first. Where it fails the connection ends. Default: none. */
  onConnect?: ((subscriber: Subscriber<Metadata>) => void | Promise<void>) | undefined
  /** Called when a subscriber's connection is over. Default: none. */
  onDisconnect?: ((subscriber: Subscriber<Metadata>, reason: CloseReason) => void) | undefined
  /** Called when a reader missed what is no longer in the log, or what a policy dropped for it. What it returns is awaited before live events: send a snapshot. Where it fails the connection ends. Default: none. */
  onGap?: ((gap: Gap, subscriber: Subscriber<Metadata>) => void | Promise<void>) | undefined
  /** How long `onConnect` and `onGap` may keep a reader waiting, in milliseconds; then its connection ends. Default: 30000. */
  hookTimeout?: number | undefined
  /** Called for each event that a policy drops for a subscriber. Default: none. */
  onDrop?: ((event: PublishedEvent, subscriber: Subscriber<Metadata>) => void) | undefined
  /** Called for each request that gets no stream. Its address may hold a token: do not log it. Default: none. */
  onRefuse?: ((refusal: Refusal, request: HubRequest) => void) | undefined
  /** Called for each event that this hub published. Default: none. */
  onPublish?: ((id: string, event: OutgoingEvent) => void) | undefined
  /** Hears of errors that have nobody else to go to: of the callbacks here, of filters, of the log, of publishing. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** How an event is published. */
export interface PublishOptions {
  /** Makes a publish that was rejected safe to repeat: the second with the same key adds nothing. Default: none. */
  idempotencyKey?: string | undefined
}

/** How a hub is closed. */
export interface CloseOptions {
  /** How long connections have to take what was sent to them, in milliseconds. Default: 10000. */
  within?: number | undefined
  /** The shortest time after which readers return, in milliseconds; each is given up to twice as long, so that they do not all come at once. Default: the hub's `retry`, else 1000. */
  retry?: number | undefined
}

/** Who is connected to a hub, in numbers. */
export interface HubStats {
  /** How many connections there are. */
  readonly connections: number
  /** How many connections each user has. */
  readonly users: Readonly<Record<string, number>>
  /** How many subscribers each topic has. */
  readonly topics: Readonly<Record<string, number>>
  /** How many subscribers are in each state. */
  readonly states: Readonly<Record<SubscriberState, number>>
  /** The id of the newest event, once the first reader came. */
  readonly newest: string | undefined
}

/** Who is connected to the hubs of all processes that share a log, in numbers. */
export interface EverywhereStats extends HubStats {
  /** How many processes have answered. */
  readonly processes: number
}

/** Which connections: those of a topic, of a user, a single one, or those for which it is true; what is there must have a value. */
export type Whom<Subscriber = unknown> = Pick<Audience<Subscriber>, 'topic' | 'user' | 'client' | 'where'>

/** Many readers, and one log that all of them are told from. */
export interface Hub<Events = Record<string, unknown>, Metadata = unknown> {
  /** How many connections there are. */
  readonly size: number
  /** Answers a Node request with a stream, or with a refusal. Never rejects. May be handed on as it is; `next` of Express may stand in the subscription's place. */
  handle(
    request: NodeRequest,
    response: NodeResponse,
    subscription?: Subscription<Metadata> | (() => void),
  ): Promise<Subscriber<Metadata> | undefined>
  /** The same for a web request. Never rejects. May be handed on as it is: what platforms give besides is not taken for a subscription. */
  fetch(request: Request, subscription?: Subscription<Metadata>): Promise<Response>
  /** Takes over a connection that `accept` made, past `authorize` and `limits`. Its head did not say that ids are unique, so that readers of ours drop no doubles. One that is over stays so, and is not counted. Throws where a hub has it already. */
  add(connection: Connection, subscription?: Subscription<Metadata>): Subscriber<Metadata>
  /** Adds an event to the log, for everyone if nobody is named; resolves with its id once it is there. A rejection that nobody awaits disturbs nobody; `onError` is told of all but the caller's mistakes. */
  publish(
    event: HubEvent<Events>,
    audience?: Audience<Subscriber<Metadata>> | Everyone,
    options?: PublishOptions,
  ): Promise<{ readonly id: string }>
  /** Ends connections of this process; the number of them. What waits for them is sent first, unless `now` says otherwise. */
  disconnect(who: Whom<Subscriber<Metadata>> | Everyone, options?: EndOptions): number
  /** The same in all processes that share the log. Who is killed meanwhile is not counted. */
  disconnect(who: Omit<Whom, 'where'> | Everyone, options: EndOptions & { readonly everywhere: true }): Promise<number>
  /** How many connections of this process there are: of a topic, of a user. A topic's and a user's cost nothing to count. */
  count(who: Whom<Subscriber<Metadata>> | Everyone): number
  /** Who is connected to this process: everyone, or those of a topic, of a user. */
  subscribers(who?: Whom<Subscriber<Metadata>> | Everyone): IterableIterator<Subscriber<Metadata>>
  /** The users that follow a topic in this process, or all. */
  users(topic?: string): ReadonlySet<string>
  /** Who is connected to this process, in numbers. */
  stats(): HubStats
  /** Who is connected to any of the processes that share the log. One that does not answer within two seconds is left out. */
  stats(options: { readonly everywhere: true }): Promise<EverywhereStats>
  /** Counters in Prometheus' text format. */
  metrics(options?: MetricsOptions): string
  /** Refuses new readers, tells the others when to return, ends them, and lets go of everything; any number of times. Events can be published until the last reader is gone. */
  close(options?: CloseOptions): Promise<void>
}
