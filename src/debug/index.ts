export { onTrace, type TraceListener } from '../client/trace-listeners.ts'
