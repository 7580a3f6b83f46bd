import { connect } from './connect.ts'
import { call } from './listeners.ts'
import type { Parse } from './schema.ts'
import { type AnyConnection, createStore, type Live, type Store } from './store.ts'

/** The stores that share a connection, in the order of their coming. */
type Members = Set<Store> & { connection?: AnyConnection }

const all = new Map<unknown, Members>()

/**
 * Tells streams apart: with another id it is another stream, and all else may change. What has no text of its own (a form,
 * a blob) is not compared.
 */
export const streamId = ({ key, url, method, body, event, events }: Live, types = events ?? event): string =>
  [key, url, method, body, types].join('\n')

/** A store that shares its connection with all others of its key and request. */
export function createSharedStore(live: Live): Store {
  const id = live.key ? streamId(live, '') : {}
  return createStore(live, (store, last) => {
    const members: Members = all.get(id) ?? new Set()
    const others = [...members]
    all.set(id, members)
    members.add(store)
    // Who comes new to a stream that is over does not ask for it again: that may cost money.
    if (!others.length || (last && members.connection?.state === 'closed')) {
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
      members.connection = connect(
        (info) => (typeof live.url === 'function' ? live.url(info) : (live.url as string)),
        live as Live & { parse: Parse; schemas?: undefined },
      )
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
