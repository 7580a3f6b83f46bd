import { EventSource } from './eventsource.ts'

// As Web IDL exposes an interface: writable and configurable, and not enumerable.
if (!('EventSource' in globalThis))
  Object.defineProperty(globalThis, 'EventSource', { value: EventSource, writable: true, configurable: true })
