export { ConnectionErrorEvent } from './events.ts'
export { EventSource, type EventSourceEventMap, type EventSourceInit } from './eventsource.ts'
