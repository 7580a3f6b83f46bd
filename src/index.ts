export { comment, encode } from './protocol/encode.ts'
export { UnmissedError } from './protocol/errors.ts'
export type { OutgoingEvent, ServerSentEvent } from './protocol/event.ts'
export { createParser, type Parser, type ParserOptions } from './protocol/parser.ts'
