import type { Logs } from '../../log/log.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import type { Outcome } from '../../protocol/outcome.ts'
import type { Verdict } from '../door/grant.ts'
import type { HubRequest } from '../http/exchange.ts'
import type { NodeRequest, NodeResponse } from '../http/node-types.ts'
import type { HubOptions } from '../hub/options.ts'
import type { MetricsOptions } from '../metrics.ts'
import type { CloseReason } from '../reader/close-reason.ts'
import type { Subscriber } from '../reader/subscriber.ts'

/** What a hub's options say of its readers, and of a run's just the same. */
type ReaderOptions = Pick<
  HubOptions,
  | 'authorizeTimeout'
  | 'logTimeout'
  | 'heartbeat'
  | 'ping'
  | 'retry'
  | 'maxQueued'
  | 'stallTimeout'
  | 'cors'
  | 'limits'
  | 'methods'
  | 'negotiate'
  | 'headers'
  | 'hookTimeout'
  | 'onRefuse'
  | 'onError'
>

/** A short cut for late readers: what the events so far come to, in place of all of them. */
export interface Fold<State = unknown> {
  /** What it begins with, before the first event. */
  readonly initial: State
  /** The next state, of the last one and an event; it may change the last one. Data that was published as text is text, all else as its JSON gives it back. */
  readonly reduce: (state: State, event: { readonly type: string; readonly data: unknown }) => State
  /** How many events there have to be. Default: 100. */
  readonly every?: number | undefined
}

/** How runs are kept, and who may read them. */
export interface RunsOptions extends ReaderOptions {
  /** Says who may read a run, before anything is sent: as a hub's `authorize`, and told which run it is; `'anyone'` where its id is enough. Required. */
  authorize: ((request: HubRequest, run: RunInfo) => Verdict | Promise<Verdict>) | 'anyone'
  /** Where the logs are: one for each run, and one that says which runs there are. The runs do not close it. Default: in memory, for this process. */
  logs?: Logs | undefined
  /** What their logs are called, for those who share `logs`. Default: `runs`. */
  name?: string | undefined
  /** What late readers are given in place of the events so far, if they take it (`snapshot`): one event of the type `snapshot`. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: what it folds is the caller's
  fold?: Fold<any> | undefined
  /** How long a run can be read after its end, in milliseconds. Default: 600000. */
  keep?: number | undefined
  /** How long a run is kept that nobody has read to its end, in milliseconds. Default: as `keep`. */
  keepUnread?: number | undefined
  /** The most events of a run; one more ends it as failed, with `run-too-large`. Default: 100000. */
  maxEvents?: number | undefined
  /** The most text of a run, in UTF-16 units of its frames; more ends it as failed, with `run-too-large`. Default: 16777216. */
  maxBytes?: number | undefined
  /** The longest life of a run, in milliseconds; then it ends as failed, with `run-too-long`. Default: 3600000. */
  maxDuration?: number | undefined
  /** The most runs that go on in this process; `start` rejects with `too-many-runs`. Default: 10000. */
  maxRunning?: number | undefined
  /** The most runs that are known, over or not; the oldest that are over go first. Default: 100000. */
  maxRuns?: number | undefined
  /** Called with each new reader. What it returns is awaited before the events: what it sends comes first. Where it fails the connection ends. Default: none. */
  onConnect?: ((reader: Subscriber, run: RunInfo) => void | Promise<void>) | undefined
  /** Called when a reader's connection is over. Default: none. */
  onDisconnect?: ((reader: Subscriber, reason: CloseReason, run: RunInfo) => void) | undefined
  /** Called in exactly one process when the producer of a run is lost with its process: what it returns goes on where the log ends; nothing ends the run as failed, with `producer-lost`. Default: none. */
  onLost?: ((run: RunInfo) => Source | undefined | Promise<Source | undefined>) | undefined
}

/** What a run is, to whoever asks. */
export interface RunInfo {
  readonly id: string
  /** `running`, or how it ended. */
  readonly state: 'running' | Outcome['state']
  /** Whose it is, as `start` was told. */
  readonly owner: string | undefined
  /** When it began, in milliseconds since 1970. */
  readonly startedAt: number
  /** When it ended. */
  readonly endedAt: number | undefined
  /** Why it failed. */
  readonly code: string | undefined
  /** How many readers this process has for it. */
  readonly readers: number
}

/** What a producer is given. */
export interface Production {
  /** The run's id. */
  readonly id: string
  /** Aborts when the run is over before its producer is: it was stopped, or has crossed a bound. */
  readonly signal: AbortSignal
  /** Adds an event; resolves with its id once it is in the log. Rejects with `run-over` when the run is over. */
  send(event: OutgoingEvent | string): Promise<{ readonly id: string }>
}

/** Makes the events of a run. What it returns is the value of its outcome; but a `Response`, or what is iterated over with `for await`, is where its events come from. */
export type Producer = (production: Production) => unknown

/** Where the events of a run come from: a producer, a stream of events or texts, or the answer of another server, event by event. */
export type Source =
  | Producer
  | AsyncIterable<OutgoingEvent | string>
  | Iterable<OutgoingEvent | string>
  | ReadableStream<OutgoingEvent | string>
  | Response

/** How a run is started. */
export interface StartOptions {
  /** Whose it is: for `authorize`. Default: nobody's. */
  owner?: string | undefined
  /** Begins a run anew that is over; its readers are told a gap. Default: false, it is joined. */
  again?: boolean | undefined
  /** Stops it when nobody has read it for so long, in milliseconds. Default: never. */
  stopWhenUnread?: number | undefined
}

/** A run, for whoever has started it. */
export interface Run {
  readonly id: string
  /** Whether this call began it; false where it was there already. */
  readonly isNew: boolean
  /** How it ends; never rejects. */
  readonly outcome: Promise<Outcome>
}

/** How a run is read. */
export interface ReadOptions {
  /** The address where it can be read by GET, told to readers that came by another method. Default: that of the request for GET, else the same with the id after its path. */
  location?: string | undefined
  /** Whether this reader takes a `snapshot` in place of what it folds, when it comes for the first time; not one with a filter, which might withhold some of it. Default: whether the query has a parameter `snapshot`. */
  snapshot?: boolean | undefined
  /** Whether the end is told as an event; the body ends in any case. False for readers that know their own events only, such as the AI SDK's. Default: true. */
  outcome?: boolean | undefined
}

/** Streams that end, and survive: each is started once, read by any number of readers from its beginning, and resumed. */
export interface Runs {
  /** Starts a run, or joins the one of that id: then the source is not asked. Without an id it is given one. Rejects with `too-many-runs`. */
  start(id: string | undefined, source: Source, options?: StartOptions): Promise<Run>
  /** Answers a Node request with the run: from its beginning, or after the id that it asks for; 204 when it has had all, 404 where there is none. Never rejects. */
  handle(
    request: NodeRequest,
    response: NodeResponse,
    id: string,
    options?: ReadOptions,
  ): Promise<Subscriber | undefined>
  /** The same for a web request. */
  fetch(request: Request, id: string, options?: ReadOptions): Promise<Response>
  /** Stops a run wherever it goes on; whether it did. */
  stop(id: string, reason?: string): Promise<boolean>
  /** What a run is; nothing where there is none. */
  get(id: string): Promise<RunInfo | undefined>
  /** All runs that can be read, the oldest first. */
  list(): Promise<RunInfo[]>
  /** Counters in Prometheus' text format. */
  metrics(options?: MetricsOptions): string
  /** Waits so many milliseconds (10000 where nothing is said) for the runs of this process, ends those that are left as failed, with `server-stopped`, and lets go of everything; any number of times. */
  close(options?: { within?: number | undefined }): Promise<void>
}
