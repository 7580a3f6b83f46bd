export { ConnectionErrorEvent } from './events.ts'
export { EventSource, type EventSourceEventMap } from './eventsource.ts'
export type { EventSourceInit, EventSourceRetry } from './init.ts'
