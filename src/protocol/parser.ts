import { UnmissedError } from './errors.ts'
import type { ServerSentEvent } from './event.ts'

/** What a parser calls, synchronously from `push`, in the order of the stream; and its limits. */
export interface ParserOptions {
  /** Called for every event, at its blank line. */
  onEvent?: ((event: ServerSentEvent) => void) | undefined
  /** Called when a block that named an id is complete, with or without an event: what to resume after from here on. */
  onId?: ((id: string) => void) | undefined
  /** Called at each valid `retry` line, with milliseconds. */
  onRetry?: ((milliseconds: number) => void) | undefined
  /** Called for each comment line, without its colon and one space after it. */
  onComment?: ((text: string) => void) | undefined
  /** The last event id that an earlier body left in force. Default: `''`. */
  lastEventId?: string | undefined
  /** The most text kept for one event, in UTF-16 units; beyond it `push` throws `event-too-large`. Default: 16777216. */
  maxEventSize?: number | undefined
  /** `end()` dispatches an event that lacks its blank line, for gateways that forget it. Default: false, as the standard says. */
  flush?: boolean | undefined
}

export interface Parser {
  /** Takes the next piece of the body, cut anywhere. Throws what a callback throws, and `event-too-large`. */
  push(chunk: Uint8Array | string): void
  /** Says that the body is over. */
  end(): void
}

/** Turns one `text/event-stream` body into events. Make a new one per body. */
export function createParser(options: ParserOptions = {}): Parser {
  const { onEvent, onId, onRetry, onComment, maxEventSize = 2 ** 24, flush = false } = options
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  let first = true
  let skip = false
  let type = ''
  let data: string | undefined
  let id = options.lastEventId ?? ''
  let nextId: string | undefined
  let failed: UnmissedError | undefined

  function line(text: string) {
    if (text === '') return dispatch()
    const colon = text.indexOf(':')
    if (colon === 0) return onComment?.(text.slice(text[1] === ' ' ? 2 : 1))
    const name = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1))
    if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (name === 'event') type = value
    else if (name === 'id') {
      if (!value.includes('\0')) nextId = value
    } else if (name === 'retry' && /^[0-9]+$/.test(value)) onRetry?.(Number(value))
  }
  function dispatch() {
    const event = data === undefined ? undefined : { type: type || 'message', data, id: nextId ?? id }
    const named = nextId
    type = ''
    data = undefined
    nextId = undefined
    if (named !== undefined) {
      id = named
      onId?.(id)
    }
    if (event) onEvent?.(event)
  }
  function text(chunk: string) {
    if (failed) throw failed
    rest += chunk
    for (;;) {
      if (first && rest) {
        first = false
        if (rest[0] === '\uFEFF') rest = rest.slice(1)
      }
      if (skip && rest) {
        skip = false
        if (rest[0] === '\n') rest = rest.slice(1)
      }
      const at = rest.search(/[\r\n]/)
      if (at < 0) break
      const found = rest.slice(0, at)
      skip = rest[at] === '\r'
      rest = rest.slice(at + 1)
      line(found)
    }
    if (rest.length + (data?.length ?? 0) > maxEventSize) {
      failed = new UnmissedError('event-too-large', `an event grew beyond maxEventSize (${maxEventSize})`)
      throw failed
    }
  }
  return {
    push: (chunk) => text(typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })),
    end() {
      if (!flush) return
      text(decoder.decode())
      text('\n\n')
    },
  }
}
