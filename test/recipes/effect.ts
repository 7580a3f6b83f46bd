import { Effect, Stream } from 'effect'
import { type ConnectError, type ConnectOptions, type ConnectUrl, connect, type ServerSentEvent } from 'unmissed'

/** A stream of events at the pace of whoever takes them: connected while it runs, over cuts; it fails with what is final. */
export const streamOf = <Data = string>(
  url: ConnectUrl,
  options: ConnectOptions & { parse?: (data: string, type: string) => Data } = {},
) =>
  Stream.unwrap(
    Effect.acquireRelease(
      Effect.sync(() => connect(url, options)),
      (connection) => Effect.sync(() => connection.close()),
    ).pipe(
      Effect.map((connection) =>
        Stream.fromAsyncIterable(
          connection as AsyncIterable<ServerSentEvent<string, Data>>,
          (error) => error as ConnectError,
        ),
      ),
    ),
  )
