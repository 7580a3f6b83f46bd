export { type Collector, createCollector } from './collector.ts'
export { at, byByte, type Cut, random } from './cut.ts'
export type { MockClosed, MockHead, MockRequest } from './mock-request.ts'
export { createMockServer, type MockServer, type MockServerOptions } from './mock-server.ts'
