import { Observable } from 'rxjs'
import { type ConnectOptions, type ConnectUrl, connect, type ServerSentEvent } from 'unmissed'

/** A stream of events, connected while it is subscribed to: it goes on over cuts, completes at its end, and fails for good. */
export function fromEvents<Data = string>(
  url: ConnectUrl,
  options: ConnectOptions & { parse?: (data: string, type: string) => Data } = {},
): Observable<ServerSentEvent<string, Data>> {
  return new Observable((subscriber) => {
    const connection = connect(url, options)
    connection.on((event) => subscriber.next(event as ServerSentEvent<string, Data>))
    connection.closed.then((reason) =>
      reason === 'failed' ? subscriber.error(connection.snapshot.error) : subscriber.complete(),
    )
    return () => connection.close()
  })
}
