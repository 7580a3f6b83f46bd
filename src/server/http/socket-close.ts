import type { NodeSocket } from './node-types.ts'

const waiting = new WeakMap<object, Set<() => void>>()

/**
 * Calls back when a socket is closed; returns its undo. One listener for all who wait: a client may pipeline any number of
 * requests, and Node warns of more than ten.
 */
export function onSocketClose(socket: Pick<NodeSocket, 'once'>, run: () => void): () => void {
  let all = waiting.get(socket)
  if (!all) {
    all = new Set()
    waiting.set(socket, all)
    const callbacks = all
    socket.once('close', () => {
      waiting.delete(socket)
      for (const callback of callbacks) callback()
    })
  }
  all.add(run)
  return () => void all.delete(run)
}
