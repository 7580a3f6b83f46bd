export { type Connection, connect, type EventOf } from './client/connect.ts'
export { ConnectError, type ConnectErrorCode } from './client/errors.ts'
export type {
  AttemptInfo,
  CloseReason,
  ConnectOptions,
  ConnectUrl,
  Gap,
  ListenOptions,
  Snapshot,
  State,
} from './client/options.ts'
export { type KeyValueStore, type Resume, type StorageOptions, storage } from './client/resume.ts'
export type { Failure, RetryOptions } from './client/retry.ts'
export type { Parse, SchemaEvents, Schemas, StandardSchema } from './client/schema.ts'
export { type EventsOptions, events } from './protocol/body.ts'
export { comment, encode } from './protocol/encode.ts'
export { UnmissedError } from './protocol/errors.ts'
export type { EventIterator, OutgoingEvent, ServerSentEvent } from './protocol/event.ts'
export type { Outcome } from './protocol/outcome.ts'
export { createParser, type Parser, type ParserOptions } from './protocol/parser.ts'
export { EventDecoderStream, EventEncoderStream } from './protocol/streams.ts'
