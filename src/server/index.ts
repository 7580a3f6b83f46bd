export { type AcceptOptions, accept, type ResponseConnection } from './reader/accept.ts'
export { type AdminHandler, type AdminOptions, adminHandler } from './admin.ts'
export { type Authorize, type BearerOptions, bearer, type Grant } from './door/authorize.ts'
export {
  type Backplane,
  type BackplaneSubscription,
  type Bounds,
  type Entry,
  fromId,
  type Message,
  type Position,
  toId,
} from '../log/log.ts'
export type { CloseReason, Connection, QueueOptions } from './reader/connection.ts'
export type { CorsOptions } from './door/cors.ts'
export { ConnectionClosed, HubClosed } from './errors.ts'
export type { HubRequest, Refusal } from './http/exchange.ts'
export { type HistoryOptions, memoryBackplane } from '../log/memory.ts'
export { createHub } from './hub/hub.ts'
export type { LimitOptions } from './door/limits.ts'
export type { NodeRequest, NodeResponse } from './http/node.ts'
export type { CloseOptions, Hub, HubEvent, HubOptions, HubStats, PublishOptions } from './hub/options.ts'
export type { Audience, PublishedEvent } from './hub/published.ts'
export type { Gap } from './hub/replay.ts'
export type { SlowPolicy } from './reader/slow.ts'
export type { Subscriber, SubscriberState, Subscription } from './reader/subscriber.ts'
