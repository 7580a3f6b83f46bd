import { connect, createServer, type Socket } from 'node:net'
import { listen } from '../../helpers/listen.ts'

/** Hands each connection to the next of its backends, as a balancer of TCP does. */
export async function startBalancer() {
  const backends = new Set<number>()
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    const all = [...backends]
    const backend = connect(all[turn++ % all.length] ?? 1, '127.0.0.1')
    socket.pipe(backend).pipe(socket)
    for (const [one, other] of [
      [socket, backend],
      [backend, socket],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        other.destroy()
        sockets.delete(socket)
      })
    }
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/`,
    backends,
    /** Breaks some of the connections, as a network does. */
    cut(share: number) {
      for (const socket of sockets) if (Math.random() < share) socket.destroy()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
