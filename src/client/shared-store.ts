import { call } from './listeners.ts'
import { type AnyConnection, createStore, type Live, open, type Store } from './store.ts'

/** The stores that share a connection, in the order of their coming. */
type Members = Set<Store> & { connection?: AnyConnection }

const all = new Map<unknown, Members>()

/** Another request is another stream. What has no text of its own (a form, a blob) is not compared. */
const requestOf = ({ key, url, method, body }: Live) => [key, url, method, body].join('\n')

/** Tells stores apart: with another one of these there is another store to be made, and all else may change. */
export const streamId = (live: Live): string => `${requestOf(live)}\n${live.events ?? live.event}`

/** A store that shares its connection with all others of its key and request. */
export function createSharedStore(live: Live): Store {
  const id = live.key ? requestOf(live) : {}
  return createStore(live, (store, again) => {
    const members: Members = all.get(id) ?? new Set()
    const others = [...members]
    all.set(id, members)
    members.add(store)
    // Who comes new to a stream that is over does not ask for it again: that may cost money.
    if (!others.length || (again && members.connection?.state === 'closed')) {
      // An option is what was given last, by whoever is there; an error is for everybody.
      const live = new Proxy(store.live, {
        get(_, name: 'key' | 'onError') {
          let found: unknown
          for (const { live } of members) found = live[name] ?? found
          if (name !== 'onError') return found
          return (error: never) => {
            for (const { live } of members) call(live.onError, error)
          }
        },
      })
      members.connection = open(live)
      for (const other of others) other.getSnapshot().reconnect()
    }
    const connection = members.connection as AnyConnection
    return [
      connection,
      () => {
        members.delete(store)
        if (members.size) return
        all.delete(id)
        connection.close()
      },
    ]
  })
}

/** Takes new options, without a new connection unless `enabled` says so. */
export function update(store: Store, live: Live): void {
  store.live = live
  if (live.enabled === false) store.stop()
  else store.start()
}
