import { encode } from './encode.ts'
import type { OutgoingEvent, ServerSentEvent } from './event.ts'
import { createParser, type ParserOptions } from './parser.ts'

// Pairs of streams like the platform's own TextDecoderStream, not kinds of TransformStream: a class that extends a
// global stays in every bundle, and ends the import where a runtime lacks that global.

/** A web stream from the bytes (or the text) of one body to its events. Make a new one per body. */
export class EventDecoderStream {
  readonly readable: ReadableStream<ServerSentEvent>
  readonly writable: WritableStream<Uint8Array | string>

  constructor(options: Omit<ParserOptions, 'onEvent'> = {}) {
    let onEvent: (event: ServerSentEvent) => void
    const parser = createParser({ ...options, onEvent: (event) => onEvent(event) })
    const { readable, writable } = new TransformStream<Uint8Array | string, ServerSentEvent>({
      start(controller) {
        onEvent = (event) => controller.enqueue(event)
      },
      transform: (chunk) => parser.push(chunk),
      flush: () => parser.end(),
    })
    this.readable = readable
    this.writable = writable
  }
}

/** A web stream from events to the bytes of a body, one chunk per event. */
export class EventEncoderStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<OutgoingEvent>

  constructor() {
    const encoder = new TextEncoder()
    const { readable, writable } = new TransformStream<OutgoingEvent, Uint8Array>({
      transform: (event, controller) => controller.enqueue(encoder.encode(encode(event))),
    })
    this.readable = readable
    this.writable = writable
  }
}
