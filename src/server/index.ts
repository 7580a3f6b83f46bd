export { LogError, type LogErrorCode } from '../log/errors.ts'
export {
  type Appended,
  type AppendOptions,
  type Bounds,
  type Entry,
  type Follower,
  type Following,
  fromId,
  type Interest,
  type Log,
  type LogOptions,
  type Logs,
  type Message,
  type Page,
  type Position,
  toId,
} from '../log/log.ts'
export { type MemoryLogs, type MemoryLogsOptions, memoryLogs } from '../log/memory.ts'
export type { MemoryLogOptions } from '../log/retention.ts'
export type { Outcome } from '../protocol/outcome.ts'
export { type AdminHandler, type AdminOptions, adminHandler } from './admin.ts'
export { OptionError } from './check.ts'
export { type Authorize, type BearerOptions, bearer } from './door/authorize.ts'
export type { CorsOptions } from './door/cors.ts'
export type { Grant, Verdict } from './door/grant.ts'
export type { LimitOptions } from './door/limits.ts'
export type { Subscription } from './door/subscription.ts'
export { ConnectionClosed, HubClosed, NotGranted } from './errors.ts'
export type { HubRequest, Refusal } from './http/exchange.ts'
export type { Negotiate } from './http/negotiation.ts'
export type { NodeRequest, NodeResponse } from './http/node-types.ts'
export type { Audience, Everyone } from './hub/audience.ts'
export { createPublisher, type EventPublisher, type PublisherOptions } from './hub/create-publisher.ts'
export { createHub } from './hub/hub.ts'
export type {
  CloseOptions,
  EverywhereStats,
  Hub,
  HubEvent,
  HubOptions,
  HubStats,
  PublishOptions,
  Whom,
} from './hub/options.ts'
export type { MetricsOptions } from './metrics.ts'
export type { Filter, PublishedEvent } from './published-event.ts'
export { type AcceptOptions, accept, type ResponseConnection } from './reader/accept.ts'
export type { CloseReason } from './reader/close-reason.ts'
export type { Connection, EndOptions, QueueOptions } from './reader/connection.ts'
export type { Gap, GapReason } from './reader/gap.ts'
export type { SlowPolicy } from './reader/slow.ts'
export type { Subscriber, SubscriberState } from './reader/subscriber.ts'
export { RunFailure } from './runs/errors.ts'
export type {
  Fold,
  Producer,
  Production,
  ReadOptions,
  Run,
  RunInfo,
  Runs,
  RunsOptions,
  Source,
  StartOptions,
} from './runs/options.ts'
export { createRuns } from './runs/runs.ts'
