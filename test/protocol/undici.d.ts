/** Internal to undici, and the very parser of Node's EventSource: no types come with it. */
declare module 'undici/lib/web/eventsource/eventsource-stream.js' {
  import type { Transform } from 'node:stream'

  type Message = { type: string; options: { data: string; lastEventId: string } }

  export const EventSourceStream: new (options: {
    eventSourceSettings: { lastEventId: string; reconnectionTime: number | undefined }
    push: (message: Message) => boolean
  }) => Transform
}
