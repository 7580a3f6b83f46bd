export { type AcceptOptions, accept, type ResponseConnection } from './accept.ts'
export { type AdminHandler, type AdminOptions, adminHandler } from './admin.ts'
export { type Authorize, type BearerOptions, bearer, type Grant } from './authorize.ts'
export {
  type Backplane,
  type BackplaneSubscription,
  type Bounds,
  type Entry,
  fromId,
  type Message,
  type Position,
  toId,
} from './backplane.ts'
export type { CloseReason, Connection, QueueOptions } from './connection.ts'
export type { CorsOptions } from './cors.ts'
export { ConnectionClosed, HubClosed } from './errors.ts'
export type { HubRequest, Refusal } from './exchange.ts'
export { type HistoryOptions, memoryBackplane } from './history.ts'
export { createHub } from './hub.ts'
export type { LimitOptions } from './limits.ts'
export type { NodeRequest, NodeResponse } from './node.ts'
export type { CloseOptions, Hub, HubEvent, HubOptions, HubStats, PublishOptions } from './options.ts'
export type { Audience, PublishedEvent } from './published.ts'
export type { Gap } from './replay.ts'
export type { SlowPolicy } from './slow.ts'
export type { Subscriber, SubscriberState, Subscription } from './subscriber.ts'
