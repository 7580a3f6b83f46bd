import { call } from './listeners.ts'
import { type AnyConnection, createStore, type Live, open, type Store } from './store.ts'

/** One connection, and the stores that share it in the order of their coming. */
interface Shared {
  readonly members: Set<Store>
  connection?: AnyConnection
}

const all = new Map<unknown, Shared>()

/** A store that shares its connection with the others of its id. */
export const createSharedStore = (live: Live, id: unknown): Store =>
  createStore(live, (store, again) => {
    const shared: Shared = all.get(id) ?? { members: new Set() }
    const { members } = shared
    const others = [...members]
    all.set(id, shared)
    members.add(store)
    // Who comes new to a stream that is over does not ask for it again: that may cost money.
    if (!shared.connection || (again && shared.connection.state === 'closed')) {
      // An option is what was given last, by whoever is there; an error is for everybody.
      const live = new Proxy(store.live, {
        get(_, name: 'key') {
          let found: unknown
          for (const { live } of members) found = live[name] ?? found
          if (name !== ('onError' as string)) return found
          return (error: never) => {
            for (const { live } of members) call(live.onError, error)
          }
        },
      })
      shared.connection = open(live)
      for (const other of others) other.getSnapshot().reconnect()
    }
    const { connection } = shared
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
