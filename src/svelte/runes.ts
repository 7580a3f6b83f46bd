export { EventStream, type EventStreamClass } from './event-stream-class.ts'
