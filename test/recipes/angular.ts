import { effect, inject, PLATFORM_ID, type Signal, signal, untracked } from '@angular/core'
import { type ConnectOptions, connect, type ServerSentEvent, type Snapshot } from 'unmissed'

/**
 * What comes of a stream, as signals: connected while its component or service is there, with the address that the signals of
 * `url` make, or not at all without one. A server renders the beginning, and connects to nothing.
 */
export function eventStream<Value, Data = string>(
  url: () => string | undefined,
  initial: Value,
  reduce: (value: Value, event: ServerSentEvent<string, Data>) => Value,
  options: ConnectOptions & { parse?: (data: string, type: string) => Data } = {},
): { readonly value: Signal<Value>; readonly connection: Signal<Snapshot | undefined> } {
  const value = signal(initial)
  const connection = signal<Snapshot | undefined>(undefined)
  const isBrowser = inject(PLATFORM_ID) === 'browser'
  effect((onCleanup) => {
    const address = url()
    value.set(initial)
    connection.set(undefined)
    if (!isBrowser || address === undefined) return
    untracked(() => {
      const opened = connect(address, options)
      opened.subscribe((snapshot) => connection.set(snapshot))
      opened.on((event) => value.update((before) => reduce(before, event as ServerSentEvent<string, Data>)))
      onCleanup(() => opened.close())
    })
  })
  return { value: value.asReadonly(), connection: connection.asReadonly() }
}
