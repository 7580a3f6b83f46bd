declare module 'sse-channel' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  /** The part of it that the benchmark uses; it has no types of its own. */
  export default class SseChannel {
    addClient(request: IncomingMessage, response: ServerResponse): void
    send(message: { data: string }): void
    getConnectionCount(): number
  }
}
