import { encode } from './encode.ts'
import type { OutgoingEvent, ServerSentEvent } from './event.ts'
import { createParser, type ParserOptions } from './parser.ts'

/** A web stream from the bytes (or the text) of one body to its events. Make a new one per body. */
export class EventDecoderStream extends TransformStream<Uint8Array | string, ServerSentEvent> {
  constructor(options: Omit<ParserOptions, 'onEvent'> = {}) {
    let onEvent: (event: ServerSentEvent) => void
    const parser = createParser({ ...options, onEvent: (event) => onEvent(event) })
    super({
      start(controller) {
        onEvent = (event) => controller.enqueue(event)
      },
      transform: (chunk) => parser.push(chunk),
      flush: () => parser.end(),
    })
  }
}

/** A web stream from events to the bytes of a body, one chunk per event. */
export class EventEncoderStream extends TransformStream<OutgoingEvent, Uint8Array> {
  constructor() {
    const encoder = new TextEncoder()
    super({ transform: (event, controller) => controller.enqueue(encoder.encode(encode(event))) })
  }
}
